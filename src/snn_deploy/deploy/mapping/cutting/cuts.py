"""cuts: the ways to cut a population into a grid of blocks that fit.

Few blocks are not all: every position of a source takes output axons for each block that hears it, so a cut into many
groups of channels forces small blocks on the populations before it. choose_cuts.py weighs both.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.memory.resources import Model, limits
from snn_deploy.network.integer_network import IntegerPopulation

Edges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Cut:
    """A grid of blocks. edges: (first, behind the last) of the blocks along each axis, channels first."""

    population: str
    edges: tuple[Edges, ...]

    @property
    def blocks(self) -> int:
        """How many blocks."""
        return math.prod(map(len, self.edges))

    def parts(self) -> list[Slice]:
        """Return the blocks, in the order of the population."""
        return [part(self.population, ranges) for ranges in product(*self.edges)]


def part(name: str, ranges: Sequence[tuple[int, int]]) -> Slice:
    """Return the block of population `name` with one range along each axis."""
    return Slice(name, tuple(a for a, _ in ranges), tuple(b for _, b in ranges))


def cuts(model: Model, p: IntegerPopulation, least: int) -> list[Cut]:
    """Return the cuts of `p` into at least `least` blocks that fit cores, but for their output axons.

    Of a map: for each grid of rows and columns the fewest groups of channels, as more do not save output axons.
    """
    most = limits(model.profile)["neurons"][0]
    found = []
    channels = [_edges(p.shape[0], k) for k in _counts(p.shape[0])]
    for spatial in product(*([_edges(n, k) for k in _counts(n)] for n in p.shape[1:])):
        area = math.prod(axis[0][1] for axis in spatial)
        possible = [
            Cut(p.name, (axis, *spatial))
            for axis in channels
            if axis[0][1] * area <= most and len(axis) * math.prod(map(len, spatial)) >= least
        ]
        fitting = _first_that_fits(model, possible)
        found += [] if fitting is None else [possible[fitting]] if spatial else possible[fitting:]
    return found


def _first_that_fits(model: Model, possible: Sequence[Cut]) -> int | None:
    """Return the first of cuts from coarse to fine whose blocks fit: by halving, then finer where that misled."""
    low, high = 0, len(possible)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if cut_fits(model, possible[middle]) else (middle + 1, high)
    return next((i for i in range(low, len(possible)) if cut_fits(model, possible[i])), None)


def cut_fits(model: Model, cut: Cut) -> bool:
    """Whether the blocks fit: one of each kind is looked at, those at the edges and one inside of every size."""
    if model.work is not None and not model.work.within(cut.population, cut.edges):
        return False
    kinds = [
        sorted({axis[0], axis[len(axis) // 2], axis[-1]}, key=lambda pair: pair[0] - pair[1]) for axis in cut.edges
    ]
    return all(not model.over(model.use(part(cut.population, ranges))) for ranges in product(*kinds))


def _counts(n: int) -> Iterator[int]:
    """Return into how many equal pieces (the last may be smaller) an axis of length `n` can be cut, from one."""
    return iter(sorted({-(-n // -(-n // k)) for k in range(1, n + 1)}))


def _edges(n: int, k: int) -> Edges:
    size = -(-n // k)
    return tuple((a, min(a + size, n)) for a in range(0, n, size))
