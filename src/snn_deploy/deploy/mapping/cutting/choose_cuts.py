"""choose_cuts: one cut for each population, so that all of them together take few blocks.

Given the cuts of the populations that hear it, a population takes the cut with the fewest blocks that can send to them;
so all follows from the last populations to the first. From there on, one population after another tries each of its
other cuts, and keeps the one with which the whole network takes the fewest blocks, until none helps. Reckoned is with
the most positions of a block and the most listeners of a position, so partition.py judges what comes out exactly.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.mapping.cutting.cuts import Cut
from snn_deploy.deploy.mapping.memory.resources import Model, limits
from snn_deploy.deploy.mapping.memory.synapse_lists import pixels_read
from snn_deploy.network.integer_network import IntegerConnection

_SWEEPS = 4  # a guess: the third found nothing more in the networks that were tried
_PENALTY = 1000.0  # blocks, for each core that would have to send to twice as many axons as it can


@dataclass(frozen=True)
class _Crossing:
    """A connection between populations. positions: of each cut of the source; slots: of each cut of the target."""

    source: str
    target: str
    positions: np.ndarray
    slots: np.ndarray


def choose_cuts(model: Model, found: dict[str, list[Cut]]) -> dict[str, list[Cut]]:
    """Return the cuts of each population, best first: the chosen one, then the others, fewest blocks first."""
    crossings = [
        _Crossing(
            c.source,
            c.target,
            np.array([_positions(c, cut) for cut in found[c.source]], float),
            np.array([_fan(model, c, cut) * model.slot_cost(c) for cut in found[c.target]], float),
        )
        for c in model.network.connections
        if c.source in found and found[c.source] and found[c.target]
    ]
    allowed = limits(model.profile)["output axons"][0]
    blocks = {p.name: np.array([cut.blocks for cut in found[p.name]]) for p in model.network.populations}
    blocks = {name: counts for name, counts in blocks.items() if len(counts)}
    pinned: dict[str, int] = {}
    total, chosen = _follow(blocks, crossings, allowed, pinned)
    for _ in range(_SWEEPS):
        before = total
        for name in blocks:
            for i in range(len(blocks[name])):
                tried, what = _follow(blocks, crossings, allowed, {**pinned, name: i})
                if tried < total:
                    total, chosen, pinned = tried, what, {**pinned, name: i}
        if total == before:
            break
    return {
        name: [cut for _, cut in sorted(enumerate(these), key=lambda pair: _order(pair, chosen.get(name)))]
        for name, these in found.items()
    }


def _order(pair: tuple[int, Cut], chosen: int | None) -> tuple[bool, int, int]:
    return pair[0] != chosen, pair[1].blocks, pair[0]


def _follow(
    blocks: dict[str, np.ndarray], crossings: Sequence[_Crossing], allowed: int, pinned: Mapping[str, int]
) -> tuple[float, dict[str, int]]:
    """Return how many blocks there are, with a penalty for what cannot be sent, and the cut of each population."""
    chosen: dict[str, int] = {}
    total = 0.0
    for name in reversed(blocks):
        sent = np.zeros(len(blocks[name]))
        for crossing in crossings:
            if crossing.source == name and crossing.target in chosen:
                sent += crossing.positions * crossing.slots[chosen[crossing.target]]
        cost = blocks[name] + _PENALTY * np.maximum(sent / allowed - 1, 0)
        chosen[name] = pinned.get(name, int(cost.argmin()))
        total += cost[chosen[name]]
    return total, chosen


def _positions(c: IntegerConnection, cut: Cut) -> int:
    """Return the most positions of a block that have axons of their own; those of one pooling window share one."""
    if len(cut.edges) == 1:
        return max(b - a for a, b in cut.edges[0])
    return math.prod(
        max(-(-b // pool) - a // pool for a, b in axis) for axis, pool in zip(cut.edges[1:], c.pool, strict=True)
    )


def _fan(model: Model, c: IntegerConnection, cut: Cut) -> int:
    """Return how many blocks of the cut hear one position of the source, at most."""
    if c.weights.ndim == 2:
        return cut.blocks
    source = model.network.shape_of(c.source)
    return len(cut.edges[0]) * math.prod(_most_listeners(c, source, cut, axis) for axis in (1, 2))


def _most_listeners(c: IntegerConnection, source: tuple[int, ...], cut: Cut, axis: int) -> int:
    heard = np.zeros(source[axis] + 1, np.int64)
    for a, b in cut.edges[axis]:
        ranges = [(0, 1)] * 3
        ranges[axis] = (a, b)
        low, high = pixels_read(c, source, tuple(r[0] for r in ranges), tuple(r[1] for r in ranges))[axis]
        heard[low:high] += 1
    return int(heard.max())
