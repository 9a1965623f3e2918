"""prove_bounds: the largest current and potential that any input can cause, from the weights alone.

Each synapse is taken at its worst: an excitatory one always active, an inhibitory one never, and the other way
round. Positive potentials end at the threshold or fire; negative ones pile up over the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.export.integer_network import (
    STATE_SHIFT,
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
)
from snn_deploy.export.integer_semantics import kept


@dataclass(frozen=True)
class Bounds:
    """What a population's states stay within, per channel, in state units; int64, (channels,) each.

    current: the largest |u|; wraps beyond 2^23 - 1. potential: the largest |v| before the reset; saturates there.
    """

    population: str
    current: np.ndarray
    potential: np.ndarray


def network_bounds(network: IntegerNetwork) -> dict[str, Bounds]:
    """Return population -> Bounds, valid for every input in `network.steps` steps from rest."""
    return {
        p.name: prove_bounds(network.input, p, network.connections_to(p.name), network.steps)
        for p in network.populations
    }


def prove_bounds(
    entry: IntegerInput, population: IntegerPopulation, arriving: Sequence[IntegerConnection], steps: int
) -> Bounds:
    """Return the bounds of one population that the connections `arriving` reach, over `steps` steps from rest."""
    most, least = np.zeros((2, population.shape[0]), np.int64)
    for connection in arriving:
        value = entry.largest_value if connection.source == entry.name else 1
        value *= connection.pool[0] * connection.pool[1]
        weights = connection.weights.astype(np.int64).reshape(len(connection.weights), -1)
        most += (np.maximum(weights, 0).sum(axis=1) * value << connection.exponent) << STATE_SHIFT
        least += (np.minimum(weights, 0).sum(axis=1) * value << connection.exponent) << STATE_SHIFT
    current_keep, voltage_keep = population.current_keep.astype(np.int64), population.voltage_keep.astype(np.int64)
    bias = population.bias.astype(np.int64)
    threshold = population.threshold.astype(np.int64) << STATE_SHIFT
    highest_current, lowest_current, highest, lowest = np.zeros((4, population.shape[0]), np.int64)
    largest_current, largest_potential = np.zeros((2, population.shape[0]), np.int64)
    for _ in range(steps):
        highest_current = kept(highest_current, current_keep) + most
        lowest_current = kept(lowest_current, current_keep) + least
        left = np.minimum(highest, threshold) if population.fires else highest
        highest = np.maximum(kept(left, voltage_keep), 0) + highest_current + bias
        lowest = np.minimum(kept(lowest, voltage_keep), 0) + lowest_current + bias
        largest_current = np.maximum.reduce([largest_current, highest_current, -lowest_current])
        largest_potential = np.maximum.reduce([largest_potential, highest, -lowest])
    return Bounds(population.name, largest_current, largest_potential)
