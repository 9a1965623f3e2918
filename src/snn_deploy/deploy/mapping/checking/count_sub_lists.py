"""count_sub_lists: what a block's synapses take where axons share parts of lists, counted from single synapses, slowly.

For check_placement, which judges with it what memory/sub_lists.py says; nothing here knows kernels. Each weight has a
number of its own, so that two lists are alike only where they hold the same weights. The targets of a position are
sorted into lines, rows or columns of the block. A line that follows the same line wherever both are met is stored
behind it, and a position may start and stop at any line of such a chain.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from snn_deploy.deploy.mapping.checking.count_margins import Place, Target, shared_lists
from snn_deploy.deploy.mapping.checking.count_synapse_words import count_synapse_words, list_words, weight_bits_of
from snn_deploy.deploy.mapping.cores.placement import Slice, Storage
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.integer_network import IntegerConnection

_DIGIT = 128  # weights that a connection can hold, with which the weights are numbered
Taken = tuple[int, int]  # words, and compartments that are left free
Line = tuple[tuple[int, int, int], ...]  # (target, counted from the line's first one, atom, number of its weight)


@dataclass(frozen=True)
class _Synapse:
    """position: row and column of the pooled source; target: channel, row, column in the block."""

    position: tuple[int, int]
    atom: int
    target: tuple[int, int, int]
    number: int
    weight: int


def count_sub_lists(
    c: IntegerConnection,
    source: tuple[int, ...],
    part: Slice,
    delay: int,
    profile: HardwareProfile,
    storage: Storage = "sub-lists",
    on_core: int = 0,
) -> list[Taken]:
    """Return each way to store the synapses of `c` into `part` that is not worse than another in both respects.

    storage: "margins" leaves out the ways in which an axon takes a part of a list. on_core: the neurons of the core, 0
    where it holds `part` alone; an index has to tell them apart.
    """
    ways = {(count_synapse_words(c, source, part, delay, profile, on_core), 0)}
    if c.weights.ndim == 4:
        synapses = _synapses(c, source, part)
        each = weight_bits_of([s.weight for s in synapses], profile) + (max(3, delay.bit_length()) if delay else 0)
        for axis, together in product((1, 2), range(1, part.shape[0] + 1)):
            whole, parts = _ways(synapses, part, axis, together, (each, on_core), profile)
            ways |= whole | (parts if storage == "sub-lists" else set())
            whole, parts = _ways_with_margins(synapses, part, axis, together, (each, on_core), profile)
            ways |= whole | (parts if storage == "sub-lists" else set())
    return not_worse(ways)


def not_worse(ways: set[Taken]) -> list[Taken]:
    """Return the pairs that no other pair is below or equal to in both numbers, those of the fewest words first."""
    found: list[Taken] = []
    for words, free in sorted(ways):
        if not found or free < found[-1][1]:
            found.append((words, free))
    return found


def _synapses(c: IntegerConnection, source: tuple[int, ...], part: Slice) -> list[_Synapse]:
    numbers = np.arange(c.weights.size).reshape(c.weights.shape)
    digits = [
        replace(c, weights=numbers // _DIGIT**i % _DIGIT)
        for i in range(max(1, math.ceil(math.log(max(c.weights.size, 2), _DIGIT))))
    ]
    found = []
    for index in product(*(range(a, b) for a, b in zip(part.start, part.stop, strict=True))):
        target = (index[0] - part.start[0], index[1] - part.start[1], index[2] - part.start[2])
        for synapse, *parts in zip(
            arriving_synapses(c, source, index), *(arriving_synapses(d, source, index) for d in digits), strict=True
        ):
            channel, row, column = synapse.index
            if row % c.pool[0] or column % c.pool[1]:
                continue  # the rest of a pooling window shares the axon of its first neuron
            position = (row // c.pool[0], column // c.pool[1])
            number = sum(p.weight * _DIGIT**i for i, p in enumerate(parts))
            found.append(_Synapse(position, channel, target, number, synapse.weight))
    return found


def _ways(
    synapses: list[_Synapse], part: Slice, axis: int, together: int, sizes: tuple[int, int], profile: HardwareProfile
) -> tuple[set[Taken], set[Taken]]:
    """Return what dense and sparse lists take with lines along `axis` and so many channels numbered together: whole
    lists, and parts.

    sizes: bits of a synapse, and the neurons of the core.
    """
    each, on_core = sizes
    groups, across = -(-part.shape[0] // together), part.shape[3 - axis]
    positions = part.shape[1] * part.shape[2]

    def numbered(target: tuple[int, int, int]) -> int:
        group, channel = divmod(target[0], together)
        return (group * positions + target[axis] * across + target[3 - axis]) * together + channel

    weights = {s.number: s.weight for s in synapses}
    lines: dict[tuple[int, int], dict[int, list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    for s in synapses:
        lines[s.position][s.target[axis]].append((numbered(s.target), s.atom, s.number))
    whole: set[tuple[Line, int]] = set()  # each list, and which bases reach it
    follows: dict[Line, tuple[Line, int]] = {}
    first_of: dict[tuple[int, int], tuple[Line, int]] = {}
    bases = profile.whole("axon.cx_base_max") + 1 if profile.find("axon.cx_base_max") else 2**31
    for position, of_lines in lines.items():
        before: tuple[Line, int] | None = None
        everything = [target for line in of_lines.values() for target in line]
        lowest = min(t for t, _, _ in everything)
        whole.add((tuple(sorted((t - lowest, a, n) for t, a, n in everything)), lowest // bases))
        for _, targets in sorted(of_lines.items()):
            start = min(t for t, _, _ in targets)
            line = tuple(sorted((t - start, a, n) for t, a, n in targets))
            if before is None:
                first_of[position] = (line, start)
            else:
                assert follows.setdefault(before[0], (line, start - before[1])) == (line, start - before[1])
            before = (line, start)
    # Where a line lies behind the first of its chain; the chain's first line is known by no line before it.
    leads = {line: (leader, distance) for leader, (line, distance) in follows.items()}
    chains: dict[Line, set[int]] = defaultdict(set)  # first line -> bases of the positions that point into its chain
    for line, start in first_of.values():
        first, base = line, start
        while first in leads:
            first, distance = leads[first]
            base -= distance
        chains[first].add(base)
    free = max(0, -min((base for bases_here in chains.values() for base in bases_here), default=0))
    unfilled = positions * groups * together - part.neurons
    at_once = max(part.neurons, on_core) + unfilled
    all_whole, parts = set(), set()
    for is_dense in (True, False):
        total = 0
        for line, found in chains.items():
            copies, words = len({(base + free) // bases for base in found}), 0
            at: Line | None = line
            while at is not None:
                words += _words(at, weights, at_once + free, each, profile, is_dense=is_dense)
                at = follows[at][0] if at in follows else None
            total += copies * words
        parts.add((total, free + unfilled))
        total = sum(_words(items, weights, at_once, each, profile, is_dense=is_dense) for items, _ in whole)
        all_whole.add((total, unfilled))
    return all_whole, parts


def _ways_with_margins(
    synapses: list[_Synapse], part: Slice, axis: int, together: int, sizes: tuple[int, int], profile: HardwareProfile
) -> tuple[set[Taken], set[Taken]]:
    """Return what dense lists take with margins around the block, and with margins across and lists stored by lines."""
    each, on_core = sizes
    met: dict[Place, list[Target]] = defaultdict(list)
    for s in synapses:
        met[s.position].append(((s.target[axis], s.target[3 - axis]), s.target[0], s.atom, s.number))
    lists = shared_lists(met, part, axis)
    if not lists:
        return set(), set()
    weights = {s.number: s.weight for s in synapses}
    bases = profile.whole("axon.cx_base_max") + 1 if profile.find("axon.cx_base_max") else 2**31
    reached = [
        (shift[0] + item[0], shift[1] + item[1]) for found in lists for shift in found.shifts for item in found.items
    ]
    above, left = (-min(0, *(place[i] for place in reached)) for i in (0, 1))
    length = above + max(part.shape[axis], 1 + max(line for line, _ in reached))
    width = left + max(part.shape[3 - axis], 1 + max(across for _, across in reached))
    groups = -(-part.shape[0] // together)
    found_ways = []
    for lines, front, by_lines in ((length, 0, False), (part.shape[axis], above * width * together, True)):
        total, targets = 0, lines * width * groups * together + front
        for found in lists:
            copies = len({((y + above) * width + x + left) * together // bases for y, x in found.shifts})
            sorted_items: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
            for line, across, channel, atom, number in found.items:
                group, rest = divmod(channel, together)
                target = (group * lines * width + line * width + across) * together + rest
                sorted_items[line if by_lines else 0].append((target, atom, number))
            total += copies * sum(
                _words(tuple(items), weights, max(targets, on_core), each, profile, is_dense=True)
                for items in sorted_items.values()
            )
        found_ways.append({(total, targets - part.neurons)})
    return found_ways[0], found_ways[1]


def _words(
    line: Line, weights: dict[int, int], targets: int, each: int, profile: HardwareProfile, *, is_dense: bool
) -> int:
    atoms: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for target, atom, number in line:
        atoms[atom].append((target, weights[number]))
    return sum(
        list_words([(t, w) for t, w in found if w or is_dense], targets, each, profile, is_dense=is_dense)
        for found in atoms.values()
        if any(w for _, w in found)
    )
