"""without_channels: a network from which whole channels of neurons are taken with their synapses, or synapses alone."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

_PER_CHANNEL = (
    "threshold",
    "voltage_keep",
    "current_keep",
    "bias",
    "reset_value",
    "initial_value",
    "threshold_step",
    "threshold_keep",
)


def without_channels(network: IntegerNetwork, removed: Mapping[str, np.ndarray]) -> IntegerNetwork:
    """Return `network` without the channels `removed`: population -> (channels,) booleans.

    Where no removed channel fires, everything else does what it did. A population keeps one channel at least, and
    the output all; a channel of a grouped convolution cannot be taken, because its group would be smaller than the
    others: all of that is a UserError.
    """
    for name, chosen in removed.items():
        if name == network.output.name or chosen.all():
            raise UserError(f"population {name!r}: all of the output's channels stay, and one of every other.")
        grouped = [c.name for c in network.connections if c.groups > 1 and name in (c.source, c.target)]
        if chosen.any() and grouped:
            raise UserError(f"population {name!r}: no channel of it can go; connection {grouped[0]!r} has groups.")
    populations = tuple(_smaller(p, removed.get(p.name)) for p in network.populations)
    connections = tuple(_between(c, network, removed) for c in network.connections)
    return replace(network, populations=populations, connections=connections)


def without_synapses(network: IntegerNetwork, silent: Mapping[str, np.ndarray]) -> IntegerNetwork:
    """Return `network` with weights of 0 where `silent` says: connection -> booleans of the shape of its weights."""
    connections = tuple(
        replace(c, weights=np.where(silent[c.name], 0, c.weights).astype(c.weights.dtype)) if c.name in silent else c
        for c in network.connections
    )
    return replace(network, connections=connections)


def _smaller(p: IntegerPopulation, removed: np.ndarray | None) -> IntegerPopulation:
    if removed is None or not removed.any():
        return p
    kept = {name: getattr(p, name)[~removed] for name in _PER_CHANNEL}
    return replace(p, shape=(int((~removed).sum()), *p.shape[1:]), **kept)


def _between(c: IntegerConnection, network: IntegerNetwork, removed: Mapping[str, np.ndarray]) -> IntegerConnection:
    weights = c.weights
    if (rows := removed.get(c.target)) is not None:
        weights = weights[~rows]
    if (columns := removed.get(c.source)) is not None:
        # A dense connection reads its source flattened, channel by channel.
        weights = weights[:, ~np.repeat(columns, weights.shape[1] // len(columns))]
    return c if weights is c.weights else replace(c, weights=weights)
