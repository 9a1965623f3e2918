"""block_work: how long blocks of neurons keep a core busy in a step, and the most that a core may be busy.

Given is the time of each neuron, so nothing here knows what takes it: deploy/energy/neuron_times.py does. Counted in
whole picoseconds, as all amounts of a core are whole numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Slice

_PER_SECOND = 1e12
_NO_LIMIT = 2**62
RESOURCE = "picoseconds of work"


@dataclass(frozen=True)
class BlockWork:
    """What blocks do, and may do.

    sums: population -> the work of all neurons before an index, along every axis. largest: of one neuron. most,
    most_of_block: what a core and what one block may do; a block of one neuron may do what a core may.
    """

    sums: Mapping[str, np.ndarray]
    largest: Mapping[str, int]
    most: int
    most_of_block: int

    def of(self, part: Slice) -> int:
        """Return the work of a block."""
        sums, total = self.sums[part.population], 0
        signed = [((start, -1), (stop, 1)) for start, stop in zip(part.start, part.stop, strict=True)]
        for corner in product(*signed):  # one by one: it is asked of thousands of blocks
            total += prod(sign for _, sign in corner) * int(sums[tuple(index for index, _ in corner)])
        return total

    def within(self, population: str, edges: Sequence[Sequence[tuple[int, int]]]) -> bool:
        """Return whether no block of a grid does more than a block may."""
        return self.most_of(population, edges) <= max(self.most_of_block, self.largest[population])

    def all_of(self, population: str) -> int:
        """Return the work of a whole population."""
        return int(self.sums[population].flat[-1])

    def allowing(self, most: int, most_of_block: int) -> "BlockWork":
        """Return the same work with other limits."""
        return replace(self, most=most, most_of_block=most_of_block)

    def most_of(self, population: str, edges: Sequence[Sequence[tuple[int, int]]]) -> int:
        """Return the work of the block of a grid that does most."""
        found = self.sums[population]
        for axis, ranges in enumerate(edges):
            lows, highs = zip(*ranges, strict=True)
            found = found.take(highs, axis) - found.take(lows, axis)
        return int(found.max())


def block_work(seconds: Mapping[str, np.ndarray]) -> BlockWork:
    """Return the work of blocks, without limits. seconds: population -> of each neuron in a step, of its shape."""
    sums, largest = {}, {}
    for name, times in seconds.items():
        found = np.zeros([n + 1 for n in times.shape], np.int64)
        found[(slice(1, None),) * times.ndim] = np.rint(times * _PER_SECOND)
        for axis in range(times.ndim):
            found = found.cumsum(axis)
        found.flags.writeable = False
        sums[name], largest[name] = found, int(np.rint(times.max() * _PER_SECOND))
    return BlockWork(sums, largest, _NO_LIMIT, _NO_LIMIT)
