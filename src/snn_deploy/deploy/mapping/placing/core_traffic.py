"""core_traffic: how many spikes go from each core to each other core in one sample.

A spike is sent once to every core that has an axon for it, however many synapses it meets there. The input's spikes
come from the host and are not counted.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.memory.synapse_lists import pixels_read, positions_met
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork

Heard = tuple[tuple[int, ...], ...]


def core_traffic(
    network: IntegerNetwork, cores: Sequence[Sequence[Slice]], spikes: Mapping[str, np.ndarray] | None = None
) -> csr_matrix:
    """Return the spikes a sample from core to core, (cores, cores) float64, without those that stay on their core.

    spikes: population -> spikes of each neuron in a sample, of the population's shape; without them each neuron is
    assumed to fire once.
    """
    blocks: dict[str, list[tuple[int, Slice]]] = {p.name: [] for p in network.populations}
    for i, core in enumerate(cores):
        for part in core:
            blocks[part.population].append((i, part))
    shape = (len(cores), len(cores))
    total = csr_matrix(shape)
    for c in network.connections:
        if c.source in blocks:
            counts = np.ones(network.shape_of(c.source)) if spikes is None else np.asarray(spikes[c.source], float)
            total = total + _crossing(c, blocks[c.source], blocks[c.target], counts, shape)
    total.setdiag(0)
    total.eliminate_zeros()
    return total


def listeners_of(network: IntegerNetwork, population: str, cores: Sequence[Sequence[Slice]]) -> csr_matrix:
    """Return how many axons of each core a spike of each neuron of `population` goes to: (neurons, cores)."""
    shape = network.shape_of(population)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for c in network.connections:
        heard: dict[Heard, list[int]] = {}
        for i, core in enumerate(cores):
            for part in core:
                if c.source == population and c.target == part.population:
                    heard.setdefault(_heard(c, shape, part), []).append(i)
        for where, here in heard.items():
            chosen = numbers[np.ix_(*where)].ravel()
            rows.append(np.repeat(chosen, len(here)))
            columns.append(np.tile(here, len(chosen)))
    row, column = np.concatenate(rows), np.concatenate(columns)
    return coo_matrix((np.ones(len(row)), (row, column)), (numbers.size, len(cores))).tocsr()


def _crossing(
    c: IntegerConnection,
    sources: Sequence[tuple[int, Slice]],
    targets: Sequence[tuple[int, Slice]],
    counts: np.ndarray,
    shape: tuple[int, int],
) -> csr_matrix:
    """Return the spikes of one connection; target blocks that hear the same neurons are reckoned together."""
    listeners: dict[Heard, list[int]] = {}
    for core, part in targets:
        listeners.setdefault(_heard(c, counts.shape, part), []).append(core)
    starts, stops = (np.array([getattr(part, end) for _, part in sources]) for end in ("start", "stop"))
    rows, columns, amounts = [], [], []
    for heard, here in listeners.items():
        only = np.zeros_like(counts)
        chosen = np.ix_(*heard)
        only[chosen] = counts[chosen]
        sent = _sums_of_blocks(only, starts, stops)
        for i in np.flatnonzero(sent):
            rows += [sources[i][0]] * len(here)
            columns += here
            amounts += [sent[i]] * len(here)
    return coo_matrix((amounts, (rows, columns)), shape).tocsr()


def _heard(c: IntegerConnection, source: tuple[int, ...], part: Slice) -> Heard:
    """Return along each axis of the source the indices of the neurons that have a synapse into the block."""
    if c.weights.ndim == 2:
        pooled = pooled_shape(source, c.pool)
        return tuple(tuple(range(n * window)) for n, window in zip(pooled, (1, *c.pool), strict=False))
    channels = range(*pixels_read(c, source, part.start, part.stop)[0])
    return (tuple(channels), *(_unpooled(positions_met(c, source, part, i), c.pool[i - 1]) for i in (1, 2)))


def _unpooled(positions: tuple[int, ...], window: int) -> tuple[int, ...]:
    return tuple(position * window + i for position in positions for i in range(window))


def _sums_of_blocks(counts: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return the sum of `counts` over each block, from the sums over all indices before its corners."""
    sums = np.zeros(tuple(n + 1 for n in counts.shape))
    sums[(slice(1, None),) * counts.ndim] = counts
    for axis in range(counts.ndim):
        sums = sums.cumsum(axis)
    found = np.zeros(len(starts))
    for corner in product((0, 1), repeat=counts.ndim):
        index = tuple((stops if high else starts)[:, axis] for axis, high in enumerate(corner))
        found += (-1) ** (counts.ndim - sum(corner)) * sums[index]
    return found
