"""sub_lists: the words of a convolution's lists where the lists at the edge of a block are parts of the inner ones.

nengo-loihi (hardware/builder.py) gives each input axon a pointer and a length in synapse memory, and stores a list for
each set of kernel elements that some position meets. At the edge of a block these sets are parts of the inner one, so
that each element of a 3 x 3 kernel is stored nine times. Here an axon may point into another's list:

- The neurons of a block are numbered by groups of channels; in a group by row, then column, then channel; or with rows
  and columns exchanged. "Line" stands for the axis that comes first, "across" for the other. A base moves every group
  alike, so groups of few channels keep the bases of all positions below 256, and no list needs copies for far ones.
- A list is stored line by line of the kernel. The part of one line holds its targets in all groups of channels, begins
  with an entry's header, and is padded to whole words, with the bits that end a list: so it can be decoded alone, and a
  pointer and a length in words name any lines that follow each other.
- All lines that meet a target at the same stride are one list, in the order of the kernel. What a position at the
  block's edge meets is a part of it. Left and right edges leave out elements within each line and are stored apart.
- An index counts from the first line of its list. So a position whose part begins later has a base below its first
  target's number, which would be negative at the edge: compartments are left free before the block's first neuron, as
  many as the lines that come before, and after the channels of the last group, where they do not fill it.
- Left and right edges may have margins instead (margins.py): free compartments at the ends of each line.
- Each block takes the layout that fills its core least: these, in dense or sparse entries, or lists stored whole.

Confidence: an assumption, in three points that no chip has shown. (1) The channels of a position are atoms of one axon.
In nengo-loihi the list of an atom lies at the pointer plus the atom's number times the axon's length, so that an axon
of several atoms whose length is not that of the whole list would find only its first atom's. Sub-lists need a distance
between atoms apart from the length, or an axon for each channel, which is not counted. (2) Bits after the last entry of
a line are skipped up to the next word. (3) A pointer counts words, as NxSDK's allocation of lists suggests (NX
data_structures.py:842-846).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from snn_deploy.deploy.mapping.memory.synapse_lists import AxisLists
from snn_deploy.deploy.mapping.memory.word_formulas import WordFormulas


@dataclass(frozen=True)
class Numbering:
    """How the neurons of a block are numbered.

    together: channels of a position that follow each other. blocks: how many of them belong to the lists' outputs, in
    each group of channels. across: positions along the second axis; positions: in all; both with margins (margins.py).
    neurons: of the block. front: compartments before the first group. origin: what a base is more than the number of
    the list's first target, counted from the block's first neuron.
    """

    together: int
    blocks: tuple[int, ...]
    across: int
    positions: int
    neurons: int
    front: int = 0
    origin: int = 0

    @property
    def compartments(self) -> int:
        """How many compartments are numbered, those in front and in margins too."""
        return self.positions * len(self.blocks) * self.together + self.front


@lru_cache(maxsize=100_000)
def joined(lists: AxisLists, stride: int, dilation: int) -> AxisLists:
    """Return `lists` with each kernel element's whole list, and the target that this one's first element would have.

    That lies before the block where the position only meets later elements.
    """
    whole: dict[int, set[int]] = defaultdict(set)
    for elements, _ in lists:
        whole[elements[0] * dilation % stride].update(elements)
    found = set()
    for elements, first in lists:
        all_of_them = tuple(sorted(whole[elements[0] * dilation % stride]))
        # Targets fall as kernel elements rise, so the first target is that of the last element.
        found.add((all_of_them, first - (all_of_them[-1] - elements[-1]) * dilation // stride))
    return tuple(sorted(found))


@lru_cache(maxsize=100_000)
def dense_lists(
    lines: AxisLists,
    across: AxisLists,
    numbering: Numbering,
    formulas: WordFormulas,
    each: int,
    *,
    apart: bool,
    in_runs: bool,
) -> tuple[int, int]:
    """Return the words of one input's dense lists, and the compartments left free for them.

    apart: every line is padded to whole words. in_runs: neighbours across are one run of targets. each: bits a synapse.
    """
    n = numbering
    targets = n.compartments
    total = 0
    for a, b in _stored(lines, across, n.across * n.together, n.together, n.origin, formulas.bases):
        line = tuple(k * len(b) for k in n.blocks) if in_runs else n.blocks * len(b)
        total += len(a) * formulas.dense(line, targets, each) if apart else formulas.dense(line * len(a), targets, each)
    return total, targets - n.neurons


@lru_cache(maxsize=100_000)
def sparse_lists(
    lines: AxisLists, across: AxisLists, length: int, formulas: WordFormulas
) -> tuple[tuple[tuple[tuple[int, ...], tuple[int, ...]], ...], int]:
    """Return (kernel lines, kernel elements across) of each stored list, copies too, and the compartments left free.

    For sparse lists, with channels numbered first. length: neurons across.
    """
    before = max(0, -min((first for _, first in lines), default=0)) * length  # so that no base is negative
    return tuple(_stored(lines, across, length, 1, before, formulas.bases)), before


def groups_of_channels(channels: int, positions: int, bases: int) -> Sequence[int]:
    """Return numbers of channels to number together: all, and fewer until one base reaches all positions."""
    found = [channels]
    while found[-1] > 1 and found[-1] * positions > bases:
        parts = -(-channels // found[-1])
        found.append(min(-(-channels // (parts + 1)), found[-1] - 1))
    return found


def _stored(
    lines: AxisLists, across: AxisLists, line: int, step: int, before: int, bases: int
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the elements of each list that is stored; copies for far bases are listed again."""
    found = []
    firsts = [_firsts(axis) for axis in (lines, across)]
    for (a, ys), (b, xs) in product(*(axis.items() for axis in firsts)):
        low, high = line * min(ys) + step * min(xs) + before, line * max(ys) + step * max(xs) + before
        copies = 1
        if low // bases < high // bases:
            copies = len({(line * y + step * x + before) // bases for y in ys for x in xs})
        found += [(a, b)] * copies
    return found


def _firsts(lists: AxisLists) -> dict[tuple[int, ...], list[int]]:
    """Return the first targets of all lists with the same elements."""
    found: dict[tuple[int, ...], list[int]] = {}
    for elements, first in lists:
        found.setdefault(elements, []).append(first)
    return found
