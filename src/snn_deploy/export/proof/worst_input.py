"""worst_input: what must arrive so that a neuron comes to the bounds that were proved (prove_bounds.py)."""

import numpy as np

from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_sent_value


def worst_input(
    network: IntegerNetwork, population: str, index: tuple[int, ...], *, highest: bool
) -> dict[str, np.ndarray]:
    """Return source -> what it sends in every step, (*source shape), to drive one neuron as far as it goes.

    index: of the neuron, (channel, row, column) or (feature,). highest: up, with every excitatory synapse at its
    largest value and every inhibitory one silent; else down, the other way round. Values of the input are pixels,
    those of populations spikes: whether these can all come together is another question, and the bounds say nothing
    about it.
    """
    sums: dict[str, np.ndarray] = {}
    for c in network.connections_to(population):
        seen = _weights_seen(c, network.shape_of(c.source), index)
        sums[c.source] = sums.get(c.source, np.zeros(seen.shape, np.int64)) + (seen << c.exponent)
    values = {}
    for source, weights in sums.items():
        largest = largest_sent_value(network.input, source)
        values[source] = np.where(weights > 0 if highest else weights < 0, largest, 0).astype(np.uint8)
    return values


def _weights_seen(c: IntegerConnection, shape: tuple[int, ...], index: tuple[int, ...]) -> np.ndarray:
    """Return the weight with which each source neuron reaches the target neuron, (*source shape), int64."""
    seen = np.zeros(shape, np.int64)
    weights = c.weights.astype(np.int64)
    if weights.ndim == 2:
        if c.pool == (1, 1):
            return weights[index[0]].reshape(shape)
        rows, columns = shape[1] // c.pool[0], shape[2] // c.pool[1]
        pooled = weights[index[0]].reshape(shape[0], rows, columns)
        seen[:, : rows * c.pool[0], : columns * c.pool[1]] = pooled.repeat(c.pool[0], 1).repeat(c.pool[1], 2)
        return seen
    inputs = weights.shape[1]
    first = index[0] // (len(weights) // c.groups) * inputs
    for i in range(weights.shape[2]):
        for j in range(weights.shape[3]):
            row = index[1] * c.stride[0] + i * c.dilation[0] - c.padding[0]
            column = index[2] * c.stride[1] + j * c.dilation[1] - c.padding[1]
            if 0 <= row < shape[1] // c.pool[0] and 0 <= column < shape[2] // c.pool[1]:
                window = seen[
                    first : first + inputs,
                    row * c.pool[0] : (row + 1) * c.pool[0],
                    column * c.pool[1] : (column + 1) * c.pool[1],
                ]
                window += weights[index[0], :, i, j, None, None]
    return seen
