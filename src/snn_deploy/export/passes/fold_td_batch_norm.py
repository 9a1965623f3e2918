"""Pass: absorb every scale-only norm into the weights before it."""

from dataclasses import replace

from snn_deploy.train.float_network import FloatConnection, FloatNetwork
from snn_deploy.user_error import UserError


def fold_td_batch_norm(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network without norms; `network` itself is left unchanged.

    Each output channel's weights are multiplied by gain / sqrt(variance + epsilon) (RMP-Loss Eq. 6-7). A norm with
    a mean or a shift would leave a bias in every step, which a bias-free network cannot have: it is refused.
    """
    return replace(network, connections=tuple(_fold(c) for c in network.connections))


def _fold(connection: FloatConnection) -> FloatConnection:
    norm = connection.norm
    if norm is None:
        return connection
    shifted = int((norm.offset != 0).sum())
    if shifted:
        raise UserError(
            f"connection {connection.name!r}: its norm shifts {shifted} of {len(norm.offset)} channels by up to "
            f"{abs(norm.offset).max():.3g} in every step. Folded, that is a bias, and the exported networks are "
            "bias-free; leaving it out would cost accuracy silently. Train with a norm that has no shift: "
            'norm.name = "centered_tdbn" (or "scale_tdbn").'
        )
    per_output = norm.factor.reshape(-1, *[1] * (connection.weights.ndim - 1))
    return replace(connection, weights=connection.weights * per_output, norm=None)
