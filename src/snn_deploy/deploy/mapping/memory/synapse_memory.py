"""synapse_memory: the words or bytes that the synapses of one connection take in a core, by the profile's formulas.

`[model.memory]` holds the formulas and their sources. Two encodings are counted, and the smaller is taken:
dense, a run of neighbouring targets with a weight each, zeros too, channels numbered last; and sparse, an index with
each weight that is not zero, channels numbered first, which needs fewer copies of a kernel. Where words are counted,
the storage "margins" adds the layouts of margins.py to them, and "sub-lists" also those of sub_lists.py.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Slice, Storage
from snn_deploy.deploy.mapping.memory.margins import with_margins, with_margins_across, without_margins
from snn_deploy.deploy.mapping.memory.sub_lists import (
    Numbering,
    dense_lists,
    groups_of_channels,
    joined,
    sparse_lists,
)
from snn_deploy.deploy.mapping.memory.synapse_lists import AxisLists, Elements, kernel_lists, lists_of_axis
from snn_deploy.deploy.mapping.memory.weight_bits import weight_bits
from snn_deploy.deploy.mapping.memory.word_formulas import WordFormulas, word_formulas
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerConnection

Encoding = Literal["dense", "sparse"]
DENSE_FROM = 0.6  # a sparse synapse has 8 + 6 bits or more and a dense one 8: above 8 / 14 zeros do not help


@dataclass(frozen=True)
class Held:
    """How a block's synapses are stored. free: compartments beside the block's neurons that are left free for it."""

    words: int
    encoding: Encoding
    free: int = 0


@dataclass(frozen=True)
class SynapseMemory:
    """The memory of one connection.

    delay: the steps that its spikes wait in the synapses. storage: which layouts of lists there are. known: blocks that
    were looked at, by what counts; connections of one model share it, because layers often are alike.
    """

    connection: IntegerConnection
    source: tuple[int, ...]
    profile: HardwareProfile
    delay: int
    storage: Storage = "nengo-loihi"
    known: dict[object, Held] = field(repr=False, compare=False, default_factory=dict)
    _ranges: dict[object, tuple[int, int]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _not_zero: np.ndarray = field(init=False, repr=False, compare=False)
    _least: np.ndarray = field(init=False, repr=False, compare=False)  # (outputs, kernel rows, kernel columns)
    _most: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sum up the weights that are not zero: (outputs + 1, inputs, ...); a stub where that saves nothing."""
        weights = self.connection.weights
        some_silent = not (weights != 0).any(axis=(0, *range(2, weights.ndim))).all()
        if some_silent or np.count_nonzero(weights) < DENSE_FROM * weights.size:
            sums = np.zeros((len(weights) + 1, *weights.shape[1:]), np.int32)
            np.cumsum(weights != 0, axis=0, out=sums[1:])
        else:
            sums = np.zeros(0, np.int32)
        object.__setattr__(self, "_not_zero", sums)
        object.__setattr__(self, "_least", weights.min(axis=1, initial=0))
        object.__setattr__(self, "_most", weights.max(axis=1, initial=0))

    @cached_property
    def _formulas(self) -> tuple[WordFormulas, WordFormulas]:
        """Those of the first block of a core, and of one behind another, whose indices count from the core's first."""
        alone = word_formulas(self.profile)
        return alone, replace(alone, reach=self._number("core.max_neurons"))

    @property
    def delay_bits(self) -> int:
        """The bits of a synapse's delay: 3 is the smallest field (neuron.delay_bits_allowed of loihi1)."""
        return 0 if self.delay == 0 else max(3, self.delay.bit_length())

    def weights_between(self, part: Slice) -> tuple[int, int]:
        """Return (least, most) of 0 and the weights that spikes can meet in the block `part`."""
        channels = _range(part)
        if self._least.ndim < 3:
            return self._weights_between(channels, None)
        return self._weights_between(
            channels, tuple(lists_of_axis(self.connection, self.source, part, i) for i in (1, 2))
        )

    def _weights_between(self, channels: tuple[int, int], lists: tuple[AxisLists, ...] | None) -> tuple[int, int]:
        key = channels, lists
        if key not in self._ranges:
            least, most = self._least[slice(*channels)], self._most[slice(*channels)]
            if lists is not None:  # kernel elements that only reach the padding are not stored
                rows, columns = (sorted({k for elements, _ in axis for k in elements}) for axis in lists)
                least, most = least[:, rows][:, :, columns], most[:, rows][:, :, columns]
            self._ranges[key] = int(least.min(initial=0)), int(most.max(initial=0))
        return self._ranges[key]

    def weight_bits(self, part: Slice) -> int:
        """Return the bits of a weight in the block `part`."""
        return weight_bits(*self.weights_between(part), self.profile)

    def words(self, part: Slice) -> tuple[int, Encoding]:
        """Return the memory words of the block `part`, and the encoding that needs no more than the other."""
        held = self.held(part)
        return held.words, held.encoding

    def held(self, part: Slice, *, is_behind: bool = False, encoding: Encoding | None = None) -> Held:
        """Return how the block `part` is stored: of the ways that `storage` allows, the one that fills a core least.

        is_behind: whether another block lies before it on its core. encoding: of whole lists, the one to take; None is
        the smaller.
        """
        each, c, formulas = self.weight_bits(part) + self.delay_bits, self.connection, self._formulas[is_behind]
        if self._not_zero.size or c.weights.ndim == 2:
            return self._held(part, each, formulas, encoding)
        lists = tuple(lists_of_axis(c, self.source, part, i) for i in (1, 2))
        groups = outputs_per_group(c, part)
        key = (part.shape, lists, tuple(groups), c.weights.shape[1], c.stride, c.dilation, each, formulas, encoding)
        if key not in self.known:
            self.known[key] = self._held(part, each, formulas, encoding)
        return self.known[key]

    def _held(self, part: Slice, each: int, formulas: WordFormulas, encoding: Encoding | None) -> Held:
        if encoding is not None:
            return Held((self._dense if encoding == "dense" else self._sparse)(part, each, formulas), encoding)
        dense = Held(self._dense(part, each, formulas), "dense")
        sparse = Held(self._sparse(part, each, formulas), "sparse")
        whole = sparse if sparse.words < dense.words else dense
        if self.storage == "nengo-loihi" or self.connection.weights.ndim == 2:
            return whole
        most = self._number("core.max_neurons"), self._number("core.synapse_memory_words")

        def fullness(held: Held) -> tuple[float, int, int]:
            return max((part.neurons + held.free) / most[0], held.words / most[1]), held.words, held.free

        return min((whole, *self._other_layouts(part, each, formulas)), key=fullness)

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

    def _dense(self, part: Slice, each: int, formulas: WordFormulas) -> int:
        """Return the words of dense lists, of `each` bits a synapse, with channels numbered last."""
        c = self.connection
        if c.weights.ndim == 2:  # dense_layer_core
            return self._inputs(*_range(part)) * formulas.dense((part.neurons,), part.neurons, each)
        rows, columns = (lists_of_axis(c, self.source, part, i) for i in (1, 2))
        # Neighbouring columns are one run of targets, where their channels all belong to it.
        groups = _channels_per_group(c, part)
        in_runs = len(groups) == 1 and c.dilation[1] == 1
        total = 0
        for first, stop in groups:  # conv_words, conv_base_copies
            positions = math.prod(part.shape[1:])
            numbering = Numbering(part.shape[0], (stop - first,), part.shape[2], positions, part.neurons)
            words, _ = dense_lists(rows, columns, numbering, formulas, each, apart=False, in_runs=in_runs)
            total += self._inputs(first, stop) * words
        return total

    def _other_layouts(self, part: Slice, each: int, formulas: WordFormulas) -> Iterator[Held]:
        """Yield the other ways to store a convolution of one group, by margins.py and sub_lists.py."""
        c = self.connection
        groups = _channels_per_group(c, part)
        if len(groups) > 1:
            return
        lists = [lists_of_axis(c, self.source, part, i) for i in (1, 2)]
        inputs = self._inputs(*groups[0])
        for line, other in ((0, 1), (1, 0)):
            in_runs = c.dilation[other] == 1
            for lines, across, numbering, apart in self._numberings(part, lists, line, other):
                if numbering.compartments > self._number("core.max_neurons"):
                    continue
                words, free = dense_lists(lines, across, numbering, formulas, each, apart=apart, in_runs=in_runs)
                yield Held(inputs * words, "dense", free)
            if self.storage == "sub-lists":
                shared = joined(lists[line], c.stride[line], c.dilation[line])
                stored, free = sparse_lists(shared, lists[other], part.shape[other + 1], formulas)
                yield Held(self._sparse_lines(stored, line, part, (free, each), formulas), "sparse", free)

    def _numberings(
        self, part: Slice, lists: Sequence[AxisLists], line: int, other: int
    ) -> Iterator[tuple[AxisLists, AxisLists, Numbering, bool]]:
        """Yield (lists of the lines, across, numbering, whether lines are apart) of each layout of dense lists."""
        c, channels = self.connection, part.shape[0]
        shape = part.shape[line + 1], part.shape[other + 1]
        lines, across = lists[line], lists[other]
        strides, dilations = (c.stride[line], c.stride[other]), (c.dilation[line], c.dilation[other])
        whole_lines, whole_across = joined(lines, strides[0], dilations[0]), joined(across, strides[1], dilations[1])
        for together in groups_of_channels(channels, shape[0] * shape[1], self._formulas[0].bases):
            yield lines, across, without_margins(lines, shape, channels, together), False
            if self.storage == "sub-lists":
                yield whole_lines, across, without_margins(whole_lines, shape, channels, together), True
        room = (shape[0] + c.weights.shape[2 + line] - 1) * (shape[1] + c.weights.shape[2 + other] - 1)
        for together in groups_of_channels(channels, room, self._formulas[0].bases):
            given = (whole_lines, whole_across, shape, strides, dilations, channels, together)
            yield whole_lines, whole_across, with_margins(*given), False
            if self.storage == "sub-lists":
                yield whole_lines, whole_across, with_margins_across(*given), True

    def _sparse_lines(
        self,
        stored: Sequence[tuple[Elements, Elements]],
        line: int,
        part: Slice,
        taken: tuple[int, int],
        formulas: WordFormulas,
    ) -> int:
        """Return the words of sparse lists that are stored by lines: rows where `line` is 0, columns where it is 1.

        taken: compartments left free, and bits of a synapse.
        """
        targets, each = part.neurons + taken[0], taken[1]
        ((first, stop),) = _channels_per_group(self.connection, part)
        if not self._not_zero.size:
            return self.connection.weights.shape[1] * sum(
                len(lines) * formulas.sparse(len(across) * (stop - first), targets, each) for lines, across in stored
            )
        counts = (self._not_zero[stop] - self._not_zero[first]).swapaxes(1, 1 + line)  # (inputs, lines, across)
        return sum(
            int(formulas.many_sparse(counts[:, lines][:, :, across].sum(axis=2), targets, each).sum())
            for lines, across in stored
        )

    def _inputs(self, first: int, stop: int) -> int:
        """Return how many inputs have a weight into the outputs first <= output < stop; others need no lists."""
        if not self._not_zero.size:
            return self.connection.weights.shape[1]
        counts = self._not_zero[stop] - self._not_zero[first]
        return int(np.count_nonzero(counts.reshape(len(counts), -1).any(axis=1)))

    def _sparse(self, part: Slice, each: int, formulas: WordFormulas) -> int:
        """Return the words of sparse lists, of `each` bits a synapse and its index, with channels numbered first."""
        c = self.connection
        if c.weights.ndim == 2:
            if not self._not_zero.size:
                return c.weights.shape[1] * formulas.sparse(part.neurons, part.neurons, each)
            counts = self._not_zero[part.stop[0]] - self._not_zero[part.start[0]]
            return int(formulas.many_sparse(counts, part.neurons, each).sum())
        total = 0
        lists = kernel_lists(c, self.source, part, 1, formulas.bases)
        for first, stop in _channels_per_group(c, part):
            if not self._not_zero.size:
                total += c.weights.shape[1] * sum(
                    copies * formulas.sparse(len(rows) * len(columns) * (stop - first), part.neurons, each)
                    for (rows, columns), copies in lists.items()
                )
                continue
            counts = self._not_zero[stop] - self._not_zero[first]  # (inputs, kernel rows, kernel columns)
            for (rows, columns), copies in lists.items():
                here = counts[:, rows][:, :, columns].sum(axis=(1, 2))
                total += copies * int(formulas.many_sparse(here, part.neurons, each).sum())
        return total

    def _number(self, name: str) -> int:
        return self.profile.whole(name)


def outputs_per_group(c: IntegerConnection, part: Slice) -> list[int]:
    """Return how many output channels of each group lie in the part, without groups that have none."""
    return [stop - first for first, stop in _channels_per_group(c, part)]


def _channels_per_group(c: IntegerConnection, part: Slice) -> list[tuple[int, int]]:
    per_group = len(c.weights) // c.groups
    edges = range(part.start[0] // per_group * per_group, part.stop[0], per_group)
    return [(max(edge, part.start[0]), min(edge + per_group, part.stop[0])) for edge in edges]


def _range(part: Slice) -> tuple[int, int]:
    return part.start[0], part.stop[0]
