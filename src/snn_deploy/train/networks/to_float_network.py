"""to_float_network: turns a network in training into plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatInput, FloatNetwork
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.network import Network


def to_float_network(network: Network, samples: Samples, steps: int, provenance: Mapping[str, Any]) -> FloatNetwork:
    """Return `network` as it infers (norms with their running statistics), for inputs like `samples`.

    A connection with learned delays becomes one for each delay that its synapses have.
    """
    plan = network.plan
    populations = tuple(network.float_population(p) for p in plan.populations)
    connections: list[FloatConnection] = []
    for c in plan.connections:
        whole = FloatConnection(
            c.name,
            c.source,
            c.target,
            network.effective_weights(c).detach().cpu().double().numpy(),
            c.stride,
            c.padding,
            c.dilation,
            c.groups,
            c.pool,
            "average",
            c.delay,
            network.norm(c).channel_norm(),
        )
        delays = network.delays_of(c)
        connections += [whole] if delays is None else _by_delay(whole, delays.whole.cpu().numpy())
    entry = FloatInput(plan.input.name, plan.input.shape, samples.largest_value, samples.scale)
    return FloatNetwork(entry, populations, tuple(connections), steps, dict(provenance))


def _by_delay(whole: FloatConnection, delays: np.ndarray) -> Iterator[FloatConnection]:
    """Yield a connection for each delay, with the weights of its synapses alone.

    delays: (outputs or 1, inputs or channels). What the norm adds to the current is added once.
    """
    each, different = _of_synapses(whole, delays), np.unique(delays)
    if whole.norm is not None and whole.norm.offset.any():
        different = np.union1d(0, different)  # what is added to the current does not wait
    for i, delay in enumerate(different):
        name = whole.name if len(different) == 1 else f"{whole.name}.late{delay}"
        norm = whole.norm if i == 0 or whole.norm is None else _without_offset(whole.norm)
        weights = np.where(each == delay, whole.weights, 0.0)
        yield replace(whole, name=name, weights=weights, delay=int(delay), norm=norm)


def _of_synapses(whole: FloatConnection, delays: np.ndarray) -> np.ndarray:
    """Return the delay of every synapse, of a shape that fits the weights."""
    outputs, inputs = whole.weights.shape[:2]
    if whole.weights.ndim == 2:
        return np.repeat(delays, inputs // delays.shape[1], axis=1)  # it reads its source channel by channel
    group = np.arange(outputs) // (outputs // whole.groups)
    channels = group[:, None] * inputs + np.arange(inputs)
    return delays[0][channels][..., None, None]


def _without_offset(norm: ChannelNorm) -> ChannelNorm:
    return replace(norm, mean=0 * norm.mean, shift=0 * norm.shift)
