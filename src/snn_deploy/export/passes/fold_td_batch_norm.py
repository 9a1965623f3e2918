"""Pass: absorb every norm into the weights before it and the bias of the neurons behind it."""

from dataclasses import replace

import numpy as np

from snn_deploy.export.passes.graph_pass import NO_NORMS, GraphPass
from snn_deploy.network.float_network import FloatConnection, FloatNetwork
from snn_deploy.support.user_error import UserError


def fold_td_batch_norm(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network without norms; `network` itself is left unchanged.

    Each output channel's weights are multiplied by gain / sqrt(variance + epsilon) (RMP-Loss Eq. 6-7). A norm with a
    mean or a shift adds the same to the current in every step: that is added to the bias of the population. Where the
    current is remembered, or arrives late, a bias of the potential is not the same, and the norm is refused.
    """
    biases = {p.name: p.bias for p in network.populations}
    remembers = {p.name for p in network.populations if p.current_keep.any()}
    for c in network.connections:
        if c.norm is None or not c.norm.offset.any():
            continue
        where = f"connection {c.name!r}: its norm has a shift, and"
        way_out = 'Train with a norm that has none: norm.name = "centered_tdbn" (or "scale_tdbn").'
        if c.target in remembers:
            raise UserError(
                f"{where} {c.target!r} remembers its current, so the shift piles up from step to step. {way_out}"
            )
        if c.delay:
            raise UserError(f"{where} arrives {c.delay} steps late, so there is no shift in the first steps. {way_out}")
        biases[c.target] = biases[c.target] + c.norm.offset
    return replace(
        network,
        populations=tuple(replace(p, bias=biases[p.name]) for p in network.populations),
        connections=tuple(_fold(c) for c in network.connections),
    )


def _fold(connection: FloatConnection) -> FloatConnection:
    if connection.norm is None:
        return connection
    per_output = connection.norm.factor.reshape(-1, *[1] * (connection.weights.ndim - 1))
    return replace(connection, weights=np.asarray(connection.weights * per_output), norm=None)


FOLD_TD_BATCH_NORM = GraphPass(fold_td_batch_norm, establishes=(NO_NORMS,))
