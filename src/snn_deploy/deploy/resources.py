"""resources: what a box of neurons needs of a core, under a profile's memory model.

The formulas are those of `[model.memory]` in the profile, with their sources there. Weights are stored in
`weight.stored_bits_max` bits. A profile with `core.synapse_memory_words` counts words (Loihi 1), one with
`core.total_memory` bytes (Loihi 2). Neurons of a map address an input axon per position, the channels ride along as
atoms, and the positions of one pooling window share an axon, so that pooling costs no synapse memory.
What is not counted stands in NOT_COUNTED, and is printed beside every fit.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from snn_deploy.connection_arithmetic import pooled_shape
from snn_deploy.deploy.placement import Slice
from snn_deploy.export.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.user_error import UserError

Range = tuple[int, int]
NOT_COUNTED = (
    "distinct thresholds and decays",
    "the second compartment of a subtracting reset",
    "the largest delay, and the compartments that delays take",
    "slots of axons between chips",
    "synapse formats",
    "copies of a kernel for every 256 compartments",
)


def require_neurocore(profile: HardwareProfile) -> None:
    """Raise UserError unless networks can be mapped on chips of `profile`."""
    if profile.kind != "neurocore":
        raise UserError(f"profile {profile.name!r} is of kind {profile.kind!r}; mapping needs a neurocore.")


def limits(profile: HardwareProfile) -> dict[str, tuple[int, str]]:
    """Return resource -> (the largest amount on one core, its source)."""
    found = {}
    for resource, name in (
        ("neurons", "core.max_neurons"),
        ("input axons", "core.max_in_axons"),
        ("output axons", "core.max_out_axons"),
        ("synapse words", "core.synapse_memory_words"),
        ("synapse bytes", "core.synapse_memory"),
    ):
        quantity = profile.find(name)
        if quantity is not None:
            strict = resource == "synapse words" and profile.find("core.synapse_memory_limit_is_strict")
            found[resource] = (profile.whole(name) - bool(strict and strict.value), quantity.source)
    if profile.find("core.total_memory") is not None:
        total = math.floor(profile.number("core.usable_fraction") * profile.whole("core.total_memory"))
        found["memory bytes"] = (total, profile.quantity("model.memory.core_bytes").source)
    return found


def slots_of_maps(profile: HardwareProfile) -> int:
    """Return the output axon slots of one position of a map; 1 where the profile does not say."""
    return profile.whole("axon.out_slots_population") if profile.find("axon.out_slots_population") else 1


def pixels_read(
    c: IntegerConnection, source: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...]
) -> tuple[Range, ...]:
    """Return per axis of the pooled source the range (first, behind the last) that the target box reads."""
    pooled = pooled_shape(source, c.pool)
    if c.weights.ndim == 2:
        return tuple((0, n) for n in pooled)
    per_group, group = len(c.weights) // c.groups, c.weights.shape[1]
    channels = (start[0] // per_group * group, ((stop[0] - 1) // per_group + 1) * group)
    spatial = [
        _read(
            start[i], stop[i], c.weights.shape[i + 1], c.stride[i - 1], c.padding[i - 1], c.dilation[i - 1], pooled[i]
        )
        for i in (1, 2)
    ]
    return (channels, *spatial)


def _read(first: int, behind: int, kernel: int, stride: int, padding: int, dilation: int, length: int) -> Range:
    low = max(0, first * stride - padding)
    high = min(length, (behind - 1) * stride - padding + (kernel - 1) * dilation + 1)
    return low, max(low, high)


@lru_cache(maxsize=100_000)
def masks(tile: Range, kernel: int, stride: int, padding: int, dilation: int, length: int) -> tuple[int, ...]:
    """Return how many kernel rows each distinct set of rows holds with which a source row meets the tile."""
    found = set()
    for row in range(*_read(*tile, kernel, stride, padding, dilation, length)):
        met = frozenset(
            k
            for k in range(kernel)
            if (row + padding - k * dilation) % stride == 0
            and tile[0] <= (row + padding - k * dilation) // stride < tile[1]
        )
        if met:
            found.add(met)
    return tuple(sorted(len(m) for m in found))


@dataclass(frozen=True)
class Model:
    """The memory model of a profile, for one network."""

    network: IntegerNetwork
    profile: HardwareProfile

    def use(self, part: Slice) -> Counter[str]:
        """Return resource -> amount that the neurons of `part` need, without their output axons."""
        found: Counter[str] = Counter({"neurons": part.neurons})
        for c in self.network.connections_to(part.population):
            source = self.network.shape_of(c.source)
            read = pixels_read(c, source, part.start, part.stop)
            extents = [max(0, b - a) for a, b in read]
            # One axon per position; of a vector, one per neuron.
            found["input axons"] += math.prod(extents[1:]) if len(extents) == 3 else extents[0]
            if "synapse words" in limits(self.profile):
                found["synapse words"] += self._words(c, source, part)
            else:
                found["synapse bytes"] += self._bytes(c, source, part)
        return found

    def slots(self, c: IntegerConnection, source: Slice, target: Slice) -> int:
        """Return the output axon slots on the core of `source` for spikes to the core of `target`."""
        shape = self.network.shape_of(c.source)
        read = pixels_read(c, shape, target.start, target.stop)
        pool = (1, *c.pool) if len(shape) == 3 else (1,)
        sent = [
            max(0, min(b * p, stop) - max(a * p, start))
            for (a, b), p, start, stop in zip(read, pool, source.start, source.stop, strict=True)
        ]
        if len(sent) == 1:
            return sent[0]
        return math.prod(sent[1:]) * slots_of_maps(self.profile) if sent[0] else 0

    def total(self, use: Counter[str]) -> Counter[str]:
        """Return `use` of a whole core with the bytes of everything added up, where the profile counts them."""
        if "memory bytes" not in limits(self.profile):
            return use
        number = self.profile.whole
        total = number("core.bytes_program") + use["neurons"] * number("core.bytes_per_neuron_state")
        total += use["synapse bytes"] + use["input axons"] * number("core.bytes_per_in_axon")
        return use + Counter({"memory bytes": total + use["output axons"] * number("core.bytes_per_out_axon")})

    def _bits(self, synapses: int, delay: int) -> int:
        """The bits of one axon's synapses, all of them stored: `bits_dense`."""
        per_entry = self.profile.whole("model.memory.synapses_per_entry")
        header = self.profile.whole("model.memory.header_bits")
        # 6 and 3 are the formula's own: the smallest fields that hold an index and a delay.
        index = max(6, math.ceil(math.log2(max(synapses, 2))))
        delay_bits = 0 if delay == 0 else max(3, delay.bit_length())
        weight = self.profile.whole("weight.stored_bits_max") + delay_bits
        return math.ceil(synapses / per_entry) * (header + index) + synapses * weight

    def _axon_words(self, synapses: int, delay: int) -> int:
        """`words_per_axon`: NX data_structures.py:842-846."""
        bits, word = self._bits(synapses, delay), self.profile.whole("core.synapse_memory_word_bits")
        return math.ceil(bits / word) + (bits % word == 0 or bits % word >= word - 5)

    def _words(self, c: IntegerConnection, source: tuple[int, ...], part: Slice) -> int:
        if c.weights.ndim == 2:  # dense_layer_core
            return c.weights.shape[1] * self._axon_words(part.neurons, c.delay)
        pooled = pooled_shape(source, c.pool)
        rows, columns = (
            masks(
                (part.start[i], part.stop[i]),
                c.weights.shape[i + 1],
                c.stride[i - 1],
                c.padding[i - 1],
                c.dilation[i - 1],
                pooled[i],
            )
            for i in (1, 2)
        )
        pairs = Counter(a * b for a in rows for b in columns)
        return sum(  # conv_words
            c.weights.shape[1] * times * self._axon_words(area * outputs, c.delay)
            for outputs in _outputs_per_group(c, part)
            for area, times in pairs.items()
        )

    def _bytes(self, c: IntegerConnection, source: tuple[int, ...], part: Slice) -> int:
        if c.weights.ndim == 2:  # syn_bytes_dense
            return c.weights.shape[1] * 8 * self._axon_words(part.neurons, c.delay)
        overhead = self.profile.number("model.memory.conv_overhead")
        inputs, bits = c.weights.shape[1], self.profile.whole("weight.stored_bits_max")
        area = math.prod(c.weights.shape[2:])
        return sum(  # syn_bytes_conv
            math.ceil(math.ceil(area * inputs * outputs * bits / 8) * overhead) + inputs * 64
            for outputs in _outputs_per_group(c, part)
        )


def _outputs_per_group(c: IntegerConnection, part: Slice) -> list[int]:
    """Return how many output channels of each group lie in the part, without groups that have none."""
    per_group = len(c.weights) // c.groups
    numbers = np.arange(part.start[0], part.stop[0]) // per_group
    return [int(n) for n in np.unique(numbers, return_counts=True)[1]]
