"""fewest_messages: cuts in the order of the messages that their blocks receive: one for each spike that a block hears.

A cut into groups of channels sends every spike to all of them. So where links between cores are what a step waits for,
blocks of all channels on little of a map are better, though they may take more cores.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from snn_deploy.deploy.mapping.cutting.cuts import Cut, Edges
from snn_deploy.deploy.mapping.cutting.partition import Choose
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.mapping.memory.synapse_lists import pixels_read
from snn_deploy.network.integer_network import IntegerConnection


def fewest_messages(spikes: Mapping[str, np.ndarray]) -> Choose:
    """Return what orders the cuts of each population: fewest messages first, then fewest blocks.

    spikes: population or input -> spikes of each neuron in each step, (steps, *shape), as mean_spikes gives them.
    """
    return partial(_ordered, {name: counts.sum(axis=0) for name, counts in spikes.items()})


def _ordered(spikes: Mapping[str, np.ndarray], model: Model, found: dict[str, list[Cut]]) -> dict[str, list[Cut]]:
    def messages(cut: Cut) -> float:
        return sum(_messages(c, spikes[c.source], cut) for c in model.network.connections_to(cut.population))

    return {name: sorted(these, key=lambda cut: (messages(cut), cut.blocks)) for name, these in found.items()}


def _messages(c: IntegerConnection, spikes: np.ndarray, cut: Cut) -> float:
    """Return how many messages the spikes of the source, of its shape, are to the blocks of a cut."""
    if c.weights.ndim == 2:
        return cut.blocks * float(spikes.sum())
    (rows, columns), source = c.pool, spikes.shape
    height, width = source[1] // rows, source[2] // columns
    windows = spikes[:, : height * rows, : width * columns].reshape(-1, height, rows, width, columns).sum(axis=(2, 4))
    heard = [_listeners(c, source, edges, axis) for axis, edges in enumerate(cut.edges)]
    return float(np.einsum("chw,c,h,w->", windows, *(h[:n] for h, n in zip(heard, windows.shape, strict=True))))


def _listeners(c: IntegerConnection, source: tuple[int, ...], edges: Edges, axis: int) -> np.ndarray:
    """Return how many of the ranges of an axis of the target hear each place of that axis of the pooled source."""
    heard = np.zeros(source[axis] + 1)
    for a, b in edges:
        ranges = [(0, 1)] * 3
        ranges[axis] = (a, b)
        low, high = pixels_read(c, source, tuple(r[0] for r in ranges), tuple(r[1] for r in ranges))[axis]
        heard[low:high] += 1
    return heard
