"""out_axons: how many output axon slots blocks take: one position of the source, for each core that hears it.

Counted are distinct input axons of each target core, as nengo-loihi does (split_blocks.py, `split_axon`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.mapping.memory.synapse_lists import pixels_read
from snn_deploy.network.integer_network import IntegerConnection


@dataclass(frozen=True)
class Listeners:
    """The blocks that hear a population through one connection.

    low, high: what each reads of the pooled population, (blocks, axes). pool: the window along each axis; the positions
    of one window share an input axon, and so an output axon. cost: slots for each position.
    """

    low: np.ndarray
    high: np.ndarray
    pool: tuple[int, ...]
    cost: int

    def slots(self, source: Slice) -> int:
        """Return the slots on the core of `source` for all of the listeners."""
        return int(self.positions(source).sum()) * self.cost

    def positions(self, source: Slice) -> np.ndarray:
        """Return (blocks,): how many pooled positions (of a vector: neurons) of `source` each listener hears."""
        stop = [-(-b // window) for b, window in zip(source.stop, self.pool, strict=True)]
        start = [a // window for a, window in zip(source.start, self.pool, strict=True)]
        sent = np.minimum(self.high, stop) - np.maximum(self.low, start)
        sent = np.maximum(sent, 0)
        return sent[:, 0] if sent.shape[1] == 1 else (sent[:, 0] > 0) * sent[:, 1] * sent[:, 2]


def listeners(model: Model, c: IntegerConnection, blocks: Sequence[Slice]) -> Listeners:
    """Return what `blocks`, of the target of `c`, hear of its source."""
    shape = model.network.shape_of(c.source)
    pool = (1, *c.pool) if len(shape) == 3 else (1,)
    read = np.array([pixels_read(c, shape, block.start, block.stop) for block in blocks]).reshape(
        len(blocks), len(shape), 2
    )
    return Listeners(read[..., 0], read[..., 1], pool, model.slot_cost(c))
