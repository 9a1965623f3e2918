"""synapse_memory: the words or bytes that the synapses of one connection take in a core, by the profile's formulas.

`[model.memory]` holds the formulas and their sources. Two encodings are counted, and the smaller is taken:
dense, a run of neighbouring targets with a weight each, zeros too, channels numbered last; and sparse, an index with
each weight that is not zero, channels numbered first, which needs fewer copies of a kernel.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.memory.synapse_lists import kernel_lists
from snn_deploy.deploy.mapping.memory.weight_bits import weight_bits
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerConnection

Encoding = Literal["dense", "sparse"]
_WORTH_COUNTING = 0.6  # a sparse synapse has 8 + 6 bits or more and a dense one 8: above 8 / 14 zeros do not help


@dataclass(frozen=True)
class SynapseMemory:
    """The memory of one connection.

    delay: the steps that its spikes wait in the synapses.
    """

    connection: IntegerConnection
    source: tuple[int, ...]
    profile: HardwareProfile
    delay: int
    _not_zero: np.ndarray = field(init=False, repr=False, compare=False)
    _least: np.ndarray = field(init=False, repr=False, compare=False)  # (outputs, kernel rows, kernel columns)
    _most: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sum up the weights that are not zero: (outputs + 1, inputs, ...); a stub where that saves nothing."""
        weights = self.connection.weights
        some_silent = not (weights != 0).any(axis=(0, *range(2, weights.ndim))).all()
        if some_silent or np.count_nonzero(weights) < _WORTH_COUNTING * weights.size:
            sums = np.zeros((len(weights) + 1, *weights.shape[1:]), np.int32)
            np.cumsum(weights != 0, axis=0, out=sums[1:])
        else:
            sums = np.zeros(0, np.int32)
        object.__setattr__(self, "_not_zero", sums)
        object.__setattr__(self, "_least", weights.min(axis=1, initial=0))
        object.__setattr__(self, "_most", weights.max(axis=1, initial=0))

    @property
    def delay_bits(self) -> int:
        """The bits of a synapse's delay: 3 is the smallest field (neuron.delay_bits_allowed of loihi1)."""
        return 0 if self.delay == 0 else max(3, self.delay.bit_length())

    def weights_between(self, part: Slice) -> tuple[int, int]:
        """Return (least, most) of 0 and the weights that spikes can meet in the block `part`."""
        channels = slice(part.start[0], part.stop[0])
        least, most = self._least[channels], self._most[channels]
        if least.ndim == 3:  # kernel elements that only reach the padding are not stored
            lists = kernel_lists(self.connection, self.source, part, 1, 2**31)
            rows = sorted({row for rows, _ in lists for row in rows})
            columns = sorted({column for _, columns in lists for column in columns})
            least, most = least[:, rows][:, :, columns], most[:, rows][:, :, columns]
        return int(least.min(initial=0)), int(most.max(initial=0))

    def weight_bits(self, part: Slice) -> int:
        """Return the bits of a weight in the block `part`."""
        return weight_bits(*self.weights_between(part), self.profile)

    def words(self, part: Slice) -> tuple[int, Encoding]:
        """Return the memory words of the block `part`, and the encoding that needs no more than the other."""
        each = self.weight_bits(part) + self.delay_bits
        dense, sparse = self._dense(part, each), self._sparse(part, each)
        return (sparse, "sparse") if sparse < dense else (dense, "dense")

    def stored(self, part: Slice) -> int:
        """Return how many synapses the dense encoding of a convolution stores, without copies for far bases."""
        lists = kernel_lists(self.connection, self.source, part, 1, 2**31)
        inputs = self.connection.weights.shape[1]
        return sum(inputs * len(a) * len(b) * n for a, b in lists for n in outputs_per_group(self.connection, part))

    def bytes(self, part: Slice) -> tuple[int, Encoding]:
        """Return the bytes of the block `part` on a chip that stores a kernel once on each core."""
        c = self.connection
        if c.weights.ndim == 2:  # syn_bytes_dense
            each = self._number("model.memory.dense_synapse_bits")
            return math.ceil(c.weights.shape[1] * part.neurons * each / 8), "dense"
        word, each = self._number("core.synapse_memory_word_bits"), self.weight_bits(part) + self.delay_bits
        words = sum(math.ceil(outputs * each / word) for outputs in outputs_per_group(c, part))
        return math.prod(c.weights.shape[1:]) * words * word // 8, "dense"  # syn_bytes_conv

    def _dense(self, part: Slice, each: int) -> int:
        """Return the words of dense lists, of `each` bits a synapse."""
        c = self.connection
        if c.weights.ndim == 2:  # dense_layer_core
            return self._inputs(part.start[0], part.stop[0]) * self._dense_words(part.neurons, part.neurons, 1, each)
        groups = _channels_per_group(c, part)
        # Neighbouring columns are one run of targets, where their channels all belong to it.
        is_one_run = len(groups) == 1 and c.dilation[1] == 1
        total = 0
        for (rows, columns), copies in kernel_lists(c, self.source, part, part.shape[0], self._bases).items():
            runs = len(rows) if is_one_run else len(rows) * len(columns)
            for first, stop in groups:  # conv_words, conv_base_copies
                n = len(rows) * len(columns) * (stop - first)
                total += self._inputs(first, stop) * copies * self._dense_words(n, part.neurons, runs, each)
        return total

    def _inputs(self, first: int, stop: int) -> int:
        """Return how many inputs have a weight into the outputs first <= output < stop; others need no lists."""
        if not self._not_zero.size:
            return self.connection.weights.shape[1]
        counts = self._not_zero[stop] - self._not_zero[first]
        return int(np.count_nonzero(counts.reshape(len(counts), -1).any(axis=1)))

    def _sparse(self, part: Slice, each: int) -> int:
        """Return the words of sparse lists, of `each` bits a synapse and its index."""
        c = self.connection
        if c.weights.ndim == 2:
            if not self._not_zero.size:
                return c.weights.shape[1] * self._sparse_words(part.neurons, part.neurons, each)
            counts = self._not_zero[part.stop[0]] - self._not_zero[part.start[0]]
            return int(self._many_sparse_words(counts, part.neurons, each).sum())
        total = 0
        lists = kernel_lists(c, self.source, part, 1, self._bases)
        for first, stop in _channels_per_group(c, part):
            if not self._not_zero.size:
                total += c.weights.shape[1] * sum(
                    copies * self._sparse_words(len(rows) * len(columns) * (stop - first), part.neurons, each)
                    for (rows, columns), copies in lists.items()
                )
                continue
            counts = self._not_zero[stop] - self._not_zero[first]  # (inputs, kernel rows, kernel columns)
            for (rows, columns), copies in lists.items():
                here = counts[:, rows][:, :, columns].sum(axis=(1, 2))
                total += copies * int(self._many_sparse_words(here, part.neurons, each).sum())
        return total

    def _dense_words(self, synapses: int, targets: int, runs: int, each: int) -> int:
        """`bits_dense`, then `words_per_axon`; a run of targets begins a new entry."""
        entries = runs * math.ceil(synapses / runs / self._number("model.memory.synapses_per_entry"))
        header = self._number("model.memory.header_bits") + _index_bits(targets)
        return _words(entries * header + synapses * each, self._number("core.synapse_memory_word_bits"))

    def _sparse_words(self, synapses: int, targets: int, each: int) -> int:
        return int(self._many_sparse_words(np.array([synapses]), targets, each)[0])

    def _many_sparse_words(self, synapses: np.ndarray, targets: int, each: int) -> np.ndarray:
        """`bits_sparse`, then `words_per_axon`; a list without synapses takes nothing."""
        entries = -(-synapses // self._number("model.memory.synapses_per_entry"))
        bits = entries * self._number("model.memory.header_bits") + synapses * (each + _index_bits(targets))
        word = self._number("core.synapse_memory_word_bits")
        words = -(-bits // word) + ((bits % word == 0) | (bits % word >= word - 5))
        return np.where(synapses > 0, words, 0)

    @property
    def _bases(self) -> int:
        """How many bases an axon can have; without a number in the profile, as many as it likes."""
        return self._number("axon.cx_base_max") + 1 if self.profile.find("axon.cx_base_max") else 2**31

    def _number(self, name: str) -> int:
        return self.profile.whole(name)


def outputs_per_group(c: IntegerConnection, part: Slice) -> list[int]:
    """Return how many output channels of each group lie in the part, without groups that have none."""
    return [stop - first for first, stop in _channels_per_group(c, part)]


def _channels_per_group(c: IntegerConnection, part: Slice) -> list[tuple[int, int]]:
    per_group = len(c.weights) // c.groups
    edges = range(part.start[0] // per_group * per_group, part.stop[0], per_group)
    return [(max(edge, part.start[0]), min(edge + per_group, part.stop[0])) for edge in edges]


def _index_bits(targets: int) -> int:
    """The bits of a target's index; 6 is the smallest field of the formulas."""
    return max(6, math.ceil(math.log2(max(targets, 2))))


def _words(bits: int, word: int) -> int:
    """`words_per_axon`: NX data_structures.py:842-846."""
    return math.ceil(bits / word) + (bits % word == 0 or bits % word >= word - 5)
