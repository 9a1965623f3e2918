"""integer_fit: how the weights and the threshold of one population become integers. One rule, used twice.

The exporter applies it to a trained network, and quantization-aware training in every forward pass, so that what is
trained is what is exported.

Every population has a unit: the value of an integer weight of 1, one for all channels or one per channel. It is the
smallest whose weights fit their bits, made larger until the threshold is a whole number of units (so thresholds are
not rounded), and larger again until no input can make a state leave its bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.neuron_reset import Reset
from snn_deploy.user_error import UserError

STATE_SHIFT = 6  # a weight or threshold of 1 is 2^6 units of current and potential (Lava lif/models.py act_shift)
DECAY_UNITY = 4096  # a keep of 4096 leaves a state as it is (Lava lif/models.py decay_unity)
LARGEST_THRESHOLD = 2**17 - 1  # threshold mantissas have 17 bits (Lava lif/models.py)

_BOUND_STEPS = 200  # each makes the unit 5 % larger


@dataclass(frozen=True)
class Limits:
    """What a target can hold.

    weight_bits: of a signed weight. per_channel: whether each channel may have a unit, and so a threshold, of its
    own. largest_threshold: of a threshold mantissa. state_bits: of current and potential, with the sign.
    """

    weight_bits: int = 8
    per_channel: bool = False
    largest_threshold: int = LARGEST_THRESHOLD
    state_bits: int = 24


@dataclass(frozen=True)
class Incoming:
    """A population before it has integers.

    weights: of each connection that reaches it, folded, (channels, ...) double. largest_values: what one synapse of
    each connection can get in a step (255 for pixels, times the pooling area). threshold: in the unit of the
    weights, (channels,), or None for a population that never fires. fires_at_threshold: at it, or only above.
    voltage_keep, current_keep: in 1/4096, (channels,).
    """

    name: str
    weights: Sequence[np.ndarray]
    largest_values: Sequence[int]
    threshold: np.ndarray | None
    fires_at_threshold: bool
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    steps: int


@dataclass(frozen=True)
class Fit:
    """The integers of a population.

    units: double, (channels,), the value of an integer weight of 1. thresholds: int64, (channels,).
    weights: int64, as given. lowered_by_bounds: whether the states' bits, not the weights', decided a unit.
    """

    units: np.ndarray
    thresholds: np.ndarray
    weights: tuple[np.ndarray, ...]
    lowered_by_bounds: bool


def fit(incoming: Incoming, limits: Limits) -> Fit:
    """Return the integers of one population, or a UserError that names what cannot be represented."""
    where = f"population {incoming.name!r}"
    most = 2 ** (limits.weight_bits - 1) - 1
    largest = np.max([np.abs(w).reshape(len(w), -1).max(axis=1) for w in incoming.weights], axis=0)
    if largest.max() == 0:
        raise UserError(f"{where}: all weights that reach it are zero, so it can never fire. Train again.")
    is_shared = not limits.per_channel or incoming.threshold is None
    least = np.full(len(largest), largest.max()) if is_shared else np.where(largest > 0, largest, largest.max())
    least = least / most
    for attempt in range(_BOUND_STEPS):
        units, thresholds = _on_thresholds(where, incoming, least, limits)
        integers = tuple(rounded(w / _per_channel(units, w), most) for w in incoming.weights)
        too_large = _too_large(incoming, integers, thresholds, limits)
        if not too_large.any():
            return Fit(units, thresholds, integers, lowered_by_bounds=attempt > 0)
        least = np.where(too_large | is_shared, np.maximum(least, units) * 1.05, least)
    raise UserError(
        f"{where}: no weight scale keeps its potential within {limits.state_bits} bits over {incoming.steps} steps. "
        "Use fewer steps or a smaller fan-in."
    )


def rounded(weights: np.ndarray, most: int) -> np.ndarray:
    """Return whole numbers near `weights`, int64, within -most..most, such that kernels keep their sums.

    weights: (out, in, height, width) or (out, in), in units. Each weight of a dense connection goes to the nearest.
    In a convolution each kernel's sum goes to the nearest as well: where rounding every weight by itself would miss
    it, the weights that were nearest to going the other way do so. Neighbouring pixels and neurons are alike, and on
    an even patch a kernel sees nothing but its sum.
    """
    nearest: np.ndarray = np.rint(weights).astype(np.int64)
    if weights.ndim == 2:
        return nearest
    kernels = nearest.reshape(len(weights) * weights.shape[1], -1)
    rest = weights.reshape(kernels.shape) - kernels
    missing = np.rint(rest.sum(axis=1)).astype(np.int64)
    direction = np.sign(missing)[:, None]
    can_move = np.abs(kernels + direction) <= most
    order = np.argsort(np.where(can_move, -rest * direction, np.inf), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    moves = (rank < np.abs(missing)[:, None]) & can_move
    return (kernels + moves * direction).reshape(weights.shape)


@dataclass(frozen=True)
class Neurons:
    """What decides how far states go, in state units; int64, (channels,).

    threshold: None for neurons that never fire. reset, reset_value, initial_value: as of IntegerPopulation.
    """

    voltage_keep: np.ndarray
    current_keep: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray | None
    reset: Reset
    reset_value: np.ndarray
    initial_value: np.ndarray


def state_bounds(
    highest_sum: np.ndarray, lowest_sum: np.ndarray, neurons: Neurons, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest |current| and |potential| before the reset, per channel, in `steps` steps.

    highest_sum, lowest_sum: what can arrive in one step, at most and at least, in state units. All int64, (channels,).
    """
    n = neurons
    high_current, low_current, current, potential = np.zeros((4, len(highest_sum)), np.int64)
    high_left = low_left = n.initial_value
    for _ in range(steps):
        high_current = high_current * n.current_keep // DECAY_UNITY + highest_sum
        low_current = -(-low_current * n.current_keep // DECAY_UNITY) + lowest_sum
        high = _kept(high_left, n.voltage_keep) + high_current + n.bias
        low = _kept(low_left, n.voltage_keep) + low_current + n.bias
        current = np.maximum.reduce([current, high_current, -low_current])
        potential = np.maximum.reduce([potential, high, -low])
        high_left, low_left = _after_reset(high, low, n)
    return current, potential


def _after_reset(high: np.ndarray, low: np.ndarray, neurons: Neurons) -> tuple[np.ndarray, np.ndarray]:
    """Return the most and the least that is left of potentials between `low` and `high`."""
    threshold = neurons.threshold
    if threshold is None:
        return high, low
    silent, fires, always = np.minimum(high, threshold), high > threshold, low > threshold
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
        rows = w.astype(np.int64).reshape(len(w), -1)
        most += np.maximum(rows, 0).sum(axis=1) * value << STATE_SHIFT
        least += np.minimum(rows, 0).sum(axis=1) * value << STATE_SHIFT
    return most, least


def threshold_above(fires_at_threshold: bool) -> float:
    """Return how far above its integer the true threshold is put, in units.

    Potentials are multiples of 1/64 unit. A neuron that fires AT its threshold is exactly one that fires above a
    whole number just below it: the threshold is put 1/128 unit above that number, between two multiples.
    """
    return 1 / 128 if fires_at_threshold else 0.0


def _on_thresholds(where: str, incoming: Incoming, least: np.ndarray, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest units of at least `least` in which the thresholds are whole numbers, and those numbers."""
    if incoming.threshold is None:
        return least, np.full(len(least), limits.largest_threshold)
    if not limits.per_channel and (incoming.threshold != incoming.threshold[0]).any():
        raise UserError(f"{where}: thresholds differ between channels. Export with one threshold per channel.")
    above = threshold_above(incoming.fires_at_threshold)
    thresholds = np.minimum((incoming.threshold / least - above).astype(np.int64), limits.largest_threshold)
    if thresholds.min() < 1:
        worst = int(thresholds.argmin())
        raise UserError(
            f"{where}: its threshold {incoming.threshold[worst]:.3g} is less than one step of its weights "
            f"({least[worst]:.3g}), so every input spike would fire it. Use more weight bits, or train with weight "
            "decay."
        )
    return incoming.threshold / (thresholds + above), thresholds


def _too_large(
    incoming: Incoming, integers: Sequence[np.ndarray], thresholds: np.ndarray, limits: Limits
) -> np.ndarray:
    """Return the channels in which some input could make a state leave its bits."""
    most, least = largest_sums(integers, incoming.largest_values)
    zeros = np.zeros_like(most)
    threshold = None if incoming.threshold is None else thresholds << STATE_SHIFT
    neurons = Neurons(incoming.voltage_keep, incoming.current_keep, zeros, threshold, "value", zeros, zeros)
    bounds = state_bounds(most, least, neurons, incoming.steps)
    too_large: np.ndarray = np.maximum(*bounds) > 2 ** (limits.state_bits - 1) - 1
    return too_large


def _per_channel(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *[1] * (weights.ndim - 1))
