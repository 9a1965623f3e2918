"""state_bounds: the largest currents and potentials that integer weights can cause, whatever arrives.

Each synapse is taken at its worst: an excitatory one always active, an inhibitory one never, and the other way round.
Positive potentials end at the highest threshold or fire; negative ones pile up over the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.network.neuron_reset import Reset
from snn_deploy.network.state_units import DECAY_UNITY, STATE_SHIFT


@dataclass(frozen=True)
class Neurons:
    """What decides how far states go, in state units; int64, (channels,).

    threshold: None for neurons that never fire. reset, reset_value, initial_value, threshold_step, threshold_keep: as
    of IntegerPopulation.
    """

    voltage_keep: np.ndarray
    current_keep: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray | None
    reset: Reset
    reset_value: np.ndarray
    initial_value: np.ndarray
    threshold_step: np.ndarray
    threshold_keep: np.ndarray


@dataclass(frozen=True)
class StateBounds:
    """How far states can go, per channel, in state units; int64, (channels,).

    current, potential: the largest sizes, of the potential before the reset. highest_potential: the largest potential.
    """

    current: np.ndarray
    potential: np.ndarray
    highest_potential: np.ndarray

    @property
    def largest(self) -> np.ndarray:
        """The largest size of any state."""
        return np.maximum(self.current, self.potential)


def state_bounds(highest_sum: np.ndarray, lowest_sum: np.ndarray, neurons: Neurons, steps: int) -> StateBounds:
    """Return how far currents and potentials can go in `steps` steps.

    highest_sum, lowest_sum: what can arrive in one step, at most and at least, in state units. All int64, (channels,).
    """
    n = neurons
    high_current, low_current, current, potential = np.zeros((4, len(highest_sum)), np.int64)
    highest = np.full(len(highest_sum), np.iinfo(np.int64).min)
    high_left = low_left = n.initial_value
    rise = np.zeros(len(highest_sum), np.int64)  # the largest of a threshold: that of a neuron that fires in each step
    for _ in range(steps):
        high_current = high_current * n.current_keep // DECAY_UNITY + highest_sum
        low_current = -(-low_current * n.current_keep // DECAY_UNITY) + lowest_sum
        high = _kept(high_left, n.voltage_keep) + high_current + n.bias
        low = _kept(low_left, n.voltage_keep) + low_current + n.bias
        current = np.maximum.reduce([current, high_current, -low_current])
        potential = np.maximum.reduce([potential, high, -low])
        highest = np.maximum(highest, high)
        high_left, low_left = _after_reset(high, low, n, rise)
        rise = _kept(rise, n.threshold_keep) + n.threshold_step
    return StateBounds(current, potential, highest)


def _after_reset(
    high: np.ndarray, low: np.ndarray, neurons: Neurons, rise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the most and the least that is left of potentials between `low` and `high`.

    rise: by how much the thresholds may have risen; that of a neuron that was silent has not.
    """
    threshold = neurons.threshold
    if threshold is None:
        return high, low
    highest = threshold + rise
    silent, fires, always = np.minimum(high, highest), high > threshold, low > highest
    if neurons.reset == "subtract":
        # What fired is above 0, and below what stayed silent unless nothing can stay silent.
        least = np.where(always, low - threshold, np.where(fires, np.minimum(low, 0), low))
        return np.where(fires, np.maximum(np.where(always, 0, silent), high - threshold), high), least
    after = neurons.reset_value
    most = np.where(fires, np.where(always, after, np.maximum(silent, after)), high)
    return most, np.where(fires, np.where(always, after, np.minimum(low, after)), low)


def _kept(states: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return np.sign(states) * (np.abs(states) * keep // DECAY_UNITY)


def largest_sums(weights: Sequence[np.ndarray], largest_values: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the most and the least that integer weights can sum up to in one step, per channel, in state units."""
    most, least = np.zeros((2, len(weights[0])), np.int64)
    for w, value in zip(weights, largest_values, strict=True):
        rows = w.reshape(len(w), -1)
        positive = np.maximum(rows, 0).sum(axis=1, dtype=np.int64)
        most += positive * value << STATE_SHIFT
        least += (rows.sum(axis=1, dtype=np.int64) - positive) * value << STATE_SHIFT
    return most, least
