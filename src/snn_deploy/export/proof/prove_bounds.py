"""prove_bounds: the largest current and potential that any input can cause, from the weights alone.

Each synapse is taken at its worst: an excitatory one always active, an inhibitory one never, and the other way
round. Positive potentials end at the threshold or fire; negative ones pile up over the steps.
"""

from dataclasses import dataclass

import numpy as np

from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.network.largest_values import largest_weighted_value
from snn_deploy.network.state_units import LARGEST_STATE, STATE_SHIFT
from snn_deploy.rounding.state_bounds import Neurons, largest_sums, state_bounds


@dataclass(frozen=True)
class Bounds:
    """What a population's states stay within, per channel, in state units; int64, (channels,) each.

    current: the largest |u|; wraps beyond 2^23 - 1. potential: the largest |v| before the reset; saturates there.
    highest_potential: the largest v, which is what can reach a threshold.
    """

    population: str
    current: np.ndarray
    potential: np.ndarray
    highest_potential: np.ndarray

    @property
    def can_overflow(self) -> bool:
        """Whether some input could make a state leave its 24 bits; False is proved."""
        return bool(max(self.current.max(), self.potential.max()) > LARGEST_STATE)


def prove_bounds(network: IntegerNetwork) -> dict[str, Bounds]:
    """Return population -> Bounds, valid for every input in `network.steps` steps."""
    return {p.name: bounds_of(network, p) for p in network.populations}


def largest_arrivals(network: IntegerNetwork, population: IntegerPopulation) -> tuple[np.ndarray, np.ndarray]:
    """Return what excitatory and inhibitory synapses can bring in one step, in state units; int64, (channels,) each.

    Both are sizes: no sum of arriving synapses, in whatever order, is larger than the first or below minus the second.
    """
    arriving = network.connections_to(population.name)
    most, least = largest_sums(
        [c.weights for c in arriving], [largest_weighted_value(network.input, c) << c.exponent for c in arriving]
    )
    return most, -least


def bounds_of(network: IntegerNetwork, population: IntegerPopulation) -> Bounds:
    """Return the bounds of one population, valid for every input in `network.steps` steps."""
    p = population
    most, inhibitory = largest_arrivals(network, p)
    neurons = Neurons(
        p.voltage_keep.astype(np.int64),
        p.current_keep.astype(np.int64),
        p.bias.astype(np.int64),
        p.threshold.astype(np.int64) << STATE_SHIFT if p.fires else None,
        p.reset,
        p.reset_value.astype(np.int64),
        p.initial_value.astype(np.int64),
        p.threshold_step.astype(np.int64),
        p.threshold_keep.astype(np.int64),
    )
    found = state_bounds(most, -inhibitory, neurons, network.steps)
    return Bounds(p.name, found.current, found.potential, found.highest_potential)
