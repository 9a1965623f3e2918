"""lower_bound: how many cores a network needs at least, so that a user sees how far from the best a mapping is.

Counted is only what no mapping can save: every neuron, every weight that some spike can meet, stored once without
headers, and an axon for each position that a population hears. Every core chooses between the dense and the sparse
encoding, and a list without weights is not stored, so each kernel (of one input and one output channel) counts in the
cheaper of both.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.memory.resources import Model, limits
from snn_deploy.deploy.mapping.memory.synapse_lists import kernel_lists
from snn_deploy.deploy.mapping.memory.weight_bits import weight_bits
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation

_ADDED = ("neurons", "blocks", "input axons", "synapse words", "synapse bytes")
_LEAST_INDEX = 6  # bits; the smallest index of the formula of sparse lists


@dataclass(frozen=True)
class LowerBound:
    """cores: no mapping needs fewer. alone: nor any whose cores hold neurons of one population each.

    by_resource: resource -> cores that it alone asks for. by_population: the same for each population alone.
    """

    cores: int
    alone: int
    by_resource: dict[str, int]
    by_population: dict[str, dict[str, int]]


def lower_bound(network: IntegerNetwork, profile: HardwareProfile) -> LowerBound:
    """Return the least number of cores of `profile` on which `network` can lie, resource by resource."""
    model, most = Model(network, profile), limits(profile)
    amounts = {p.name: _least(model, p) for p in network.populations}
    total: Counter[str] = sum(amounts.values(), Counter())
    by_population = {name: _cores(amount, most) for name, amount in amounts.items()}
    by_resource = _cores(total, most)
    alone = sum(max(cores.values()) for cores in by_population.values())
    shares = most.get("blocks", (2, ""))[0] > 1  # a core of one block holds one population
    return LowerBound(max(by_resource.values()) if shares else alone, alone, by_resource, by_population)


def _cores(amount: Counter[str], most: dict[str, tuple[int, str]]) -> dict[str, int]:
    return {r: -(-amount[r] // most[r][0]) for r in _ADDED if r in most}


def _least(model: Model, p: IntegerPopulation) -> Counter[str]:
    whole = Slice(p.name, (0,) * len(p.shape), p.shape)
    found = Counter({"neurons": whole.neurons, "blocks": 1})
    bits = 0
    for c in model.network.connections_to(p.name):
        pooled = pooled_shape(model.network.shape_of(c.source), c.pool)
        if c.weights.ndim == 2:
            found["input axons"] += math.prod(pooled[1:]) if len(pooled) == 3 else pooled[0]
        bits += _bits(model, c, whole)
    word = model.profile.whole("core.synapse_memory_word_bits")
    return found + Counter({"synapse words": -(-bits // word), "synapse bytes": -(-bits // 8)})


def _bits(model: Model, c: IntegerConnection, whole: Slice) -> int:
    """Return the bits of the weights that spikes can meet: kernel elements that only reach the padding do not count."""
    weights, delay = c.weights, model.memories[c.name].delay_bits
    planned = model.profile.find("model.memory.dense_synapse_bits")
    if weights.ndim == 2 and planned:
        return weights.size * model.profile.whole("model.memory.dense_synapse_bits")
    if weights.ndim == 2:  # a kernel of one element: nothing is cheaper than the weights that are not zero
        return int((np.count_nonzero(weights, axis=1) * (_channel_bits(model, weights) + delay)).sum())
    source = model.network.shape_of(c.source)
    lists = kernel_lists(c, source, whole, 1, 2**31)
    rows = sorted({row for rows, _ in lists for row in rows})
    columns = sorted({column for _, columns in lists for column in columns})
    met = weights[:, :, rows][:, :, :, columns]
    if not _is_met_whole(c, source, whole, rows, columns):
        # A core may hold some elements of a kernel in one encoding and width, and some in another.
        each = _channel_bits(model, met.reshape(-1, 1)).reshape(met.shape) + delay
        return int((each * (met != 0)).sum())
    used = np.count_nonzero(met, axis=(2, 3))  # (out, in / groups)
    each = _channel_bits(model, met)[:, None] + delay
    dense = np.where(used > 0, len(rows) * len(columns) * each, 0)
    return int(np.minimum(dense, used * (each + _LEAST_INDEX)).sum())


def _channel_bits(model: Model, weights: np.ndarray) -> np.ndarray:
    """Return (outputs,): the bits of a weight in a block of each output channel alone."""
    axes = tuple(range(1, weights.ndim))
    ranges = np.stack([weights.min(axis=axes, initial=0), weights.max(axis=axes, initial=0)], axis=1)
    different, channels = np.unique(ranges, axis=0, return_inverse=True)
    bits = np.array([weight_bits(int(least), int(most), model.profile) for least, most in different])
    found: np.ndarray = bits[channels.reshape(-1)]
    return found


def _is_met_whole(
    c: IntegerConnection, source: tuple[int, ...], whole: Slice, rows: list[int], columns: list[int]
) -> bool:
    """Whether some neuron meets all of these kernel elements, so that its core holds a whole kernel in one encoding."""
    pooled = pooled_shape(source, c.pool)
    return all(
        any(
            all(0 <= i * c.stride[axis] - c.padding[axis] + k * c.dilation[axis] < pooled[axis + 1] for k in met)
            for i in range(whole.stop[axis + 1])
        )
        for axis, met in ((0, rows), (1, columns))
    )
