"""fit: how the weights and the threshold of one population become integers. One rule, used twice.

The exporter applies it to a trained network, and quantization-aware training in every forward pass, so that what is
trained is what is exported.

Every population has a unit: what a threshold of 1 is worth, one for all channels or one per channel. It is searched for
(scale_search.py) among those in which the threshold is a whole number, so thresholds are not rounded, and in which no
input can make a state leave its bits (state_bounds.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from snn_deploy.network.adaptive_threshold import largest_rise
from snn_deploy.network.neuron_reset import Reset, nothing
from snn_deploy.network.state_units import DECAY_UNITY, STATE_SHIFT
from snn_deploy.rounding.limits import Limits
from snn_deploy.rounding.scale_search import (
    LARGEST_EXPONENT,
    PER_OCTAVE,
    Choice,
    WeightRange,
    choose,
    error_table,
    weight_range,
)
from snn_deploy.rounding.state_bounds import Neurons, largest_sums, state_bounds
from snn_deploy.rounding.weight_rounding import rounded
from snn_deploy.support.user_error import UserError

_STATE_UNIT = 1 / 2**STATE_SHIFT  # of a unit
_MOST_OCTAVES = 24  # between the threshold and the unit; states have no more bits
_MOST_CORRECTIONS = 200  # of the bounds, where rounding made sums larger than the real weights' sums


@dataclass(frozen=True)
class PopulationToRound:
    """A population before it has integers.

    weights: of each connection that reaches it, folded, (channels, ...) double. largest_values: what one synapse of
    each connection can get in a step (255 for pixels, times the pooling area). threshold: in the unit of the
    weights, (channels,), or None for a population that never fires. fires_at_threshold: at it, or only above.
    voltage_keep, current_keep: in 1/4096, (channels,). bias, reset, reset_value, initial_value, threshold_step: as of
    FloatPopulation. threshold_keep: in 1/4096, (channels,), at most adaptive_threshold.LARGEST_KEEP.
    largest_states: double, (channels,), in the unit of the weights: how far currents and potentials must be able to go
    where any input could drive them further; None is as far as any input can.
    """

    name: str
    weights: Sequence[np.ndarray]
    largest_values: Sequence[int]
    threshold: np.ndarray | None
    fires_at_threshold: bool
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    steps: int
    bias: np.ndarray = field(default_factory=nothing)
    reset: Reset = "value"
    reset_value: np.ndarray = field(default_factory=nothing)
    initial_value: np.ndarray = field(default_factory=nothing)
    largest_states: np.ndarray | None = None
    threshold_step: np.ndarray = field(default_factory=nothing)
    threshold_keep: np.ndarray = field(default_factory=nothing)


@dataclass(frozen=True)
class Fit:
    """The integers of a population.

    units: double, (channels,), what a threshold of 1 is worth. thresholds: int64, (channels,). weights: int16, as
    given; times 2^exponents, one for each connection, they count units. bias, reset_value, initial_value,
    threshold_step: int64, (channels,), in state units. bits_for_states: double, (channels,), by how many bits the
    weight step is coarser than the weights alone would have it, because states must keep within their bits. clipped: of
    each connection, how many weights were clipped to the largest whole one.
    largest_rounding: by how much a bias, reset value, initial value or threshold_step was changed at most, in the unit
    of the weights.
    """

    units: np.ndarray
    thresholds: np.ndarray
    weights: tuple[np.ndarray, ...]
    exponents: tuple[int, ...]
    bias: np.ndarray
    reset_value: np.ndarray
    initial_value: np.ndarray
    threshold_step: np.ndarray
    bits_for_states: np.ndarray
    clipped: tuple[int, ...]
    largest_rounding: float

    @property
    def lowered_by_bounds(self) -> np.ndarray:
        """The channels whose unit was decided by the states' bits and not by the weights."""
        return self.bits_for_states > 0

    @property
    def values(self) -> tuple[np.ndarray, ...]:
        """The weights with their exponents, int32: how many units each is worth."""
        return tuple(w.astype(np.int32) << e for w, e in zip(self.weights, self.exponents, strict=True))


def fit(incoming: PopulationToRound, limits: Limits) -> Fit:
    """Return the integers of one population, or a UserError that names what cannot be represented."""
    where = f"population {incoming.name!r}"
    if not any(w.any() for w in incoming.weights) and not np.any(incoming.bias):
        raise UserError(f"{where}: all weights that reach it are zero, so it can never fire. Train again.")
    candidates = _candidates(where, incoming, limits)
    ranges = [weight_range(w, limits.weight_bits) for w in incoming.weights]
    tables = [
        error_table(w, candidates.reference, r, limits.weight_bits, float(value) ** 2)
        for w, r, value in zip(incoming.weights, ranges, incoming.largest_values, strict=True)
    ]

    def choice(finest: np.ndarray) -> Choice | None:
        return choose(
            tables,
            candidates.index,
            finest,
            limits.weight_bits,
            limits.distinct_thresholds,
            one_exponent=limits.one_exponent,
        )

    wanted = choice(np.full(len(candidates.reference), len(candidates.index) - 1))
    if wanted is None:
        raise UserError(_too_coarse(where, incoming, ranges))
    finest = _finest_in_bounds(incoming, limits, candidates)
    for _ in range(_MOST_CORRECTIONS):
        chosen = choice(finest) if finest.min() >= 0 else None
        if chosen is None:
            break
        found = _integers(incoming, limits, candidates, chosen, ranges)
        too_large = _too_large(found, incoming, limits)
        if not too_large.any():
            lost = (_finest_step(candidates, wanted) - _finest_step(candidates, chosen)).clip(0) / PER_OCTAVE
            return replace(found, bits_for_states=np.broadcast_to(lost, too_large.shape))
        finest = np.where(_shared(too_large, candidates), chosen.candidates - 1, finest)
    raise UserError(_out_of_bounds(where, incoming, limits, candidates))


def threshold_above(fires_at_threshold: bool) -> float:
    """Return how far above its integer the true threshold is put, in units.

    Potentials are multiples of 1/64 unit. A neuron that fires AT its threshold is exactly one that fires above a
    whole number just below it: the threshold is put 1/128 unit above that number, between two multiples.
    """
    return 1 / 128 if fires_at_threshold else 0.0


def starts_one_above(incoming: PopulationToRound) -> bool:
    """Whether potentials are kept one state unit above the true ones, so that firing above is firing at.

    A soft reset takes the threshold off, so it must be a whole number of units itself. Where nothing decays, a
    potential that starts one state unit too high stays so. (Where it decays, the threshold is put between two multiples
    as with other resets, and each spike takes 1/128 unit less off: half the smallest difference between potentials.)
    """
    keeps_all = bool((np.asarray(incoming.voltage_keep) == DECAY_UNITY).all())
    fires = incoming.threshold is not None  # an output that only accumulates never loses its threshold
    return fires and incoming.reset == "subtract" and incoming.fires_at_threshold and keeps_all


@dataclass(frozen=True)
class _Candidates:
    """reference: double, one for all channels or (channels,); units: (reference, candidates); thresholds and index:
    int64, (candidates,), rising: the threshold's mantissa, and the unit's place on scale_search's grid."""

    reference: np.ndarray
    units: np.ndarray
    thresholds: np.ndarray
    index: np.ndarray


def _candidates(where: str, incoming: PopulationToRound, limits: Limits) -> _Candidates:
    if incoming.threshold is None:
        largest = max(float(np.abs(w).max()) for w in incoming.weights) or float(np.abs(incoming.bias).max())
        index = np.arange(_MOST_OCTAVES * PER_OCTAVE)
        units = largest * 2.0 ** (-index / PER_OCTAVE)
        return _Candidates(np.array([largest]), units[None], np.full(len(index), limits.largest_threshold), index)
    threshold = np.asarray(incoming.threshold, np.float64)
    if threshold.min() <= 0:
        channel = int(threshold.argmin())
        raise UserError(
            f"{where}, channel {channel}: its threshold is {threshold[channel]:.3g}; allowed is one above 0. "
            "Train with positive thresholds."
        )
    if not limits.per_channel:
        if (threshold != threshold[0]).any():
            raise UserError(f"{where}: thresholds differ between channels. Export with one threshold per channel.")
        threshold = threshold[:1]
    above = 0.0 if starts_one_above(incoming) else threshold_above(incoming.fires_at_threshold)
    grid = 2.0 ** (np.arange(PER_OCTAVE * np.log2(limits.largest_threshold) + 1) / PER_OCTAVE)
    whole = np.unique(np.floor(grid - above).clip(1, limits.largest_threshold).astype(np.int64))
    units = threshold[:, None] / (whole + above)
    return _Candidates(threshold, units, whole, np.rint(PER_OCTAVE * np.log2(whole + above)).astype(np.int64))


def _finest_in_bounds(incoming: PopulationToRound, limits: Limits, candidates: _Candidates) -> np.ndarray:
    """Return the last candidate with which no state leaves its bits as if no weight were rounded; -1: none."""
    most, least = np.zeros((2, len(incoming.weights[0])))
    for w, value in zip(incoming.weights, incoming.largest_values, strict=True):
        rows = w.reshape(len(w), -1)
        positive = np.maximum(rows, 0).sum(axis=1)
        most += positive * value
        least += (rows.sum(axis=1) - positive) * value
    low, high = np.full(len(most), -1), np.full(len(most), len(candidates.index) - 1)
    while (low < high).any():
        middle = (low + high + 1) // 2
        units = _units(candidates, middle)
        neurons, fits = _neurons(incoming, limits, units, candidates.thresholds[middle])
        highest, lowest = (np.rint(s / units * 2**STATE_SHIFT).astype(np.int64) for s in (most, least))
        fits &= _states_held(incoming, limits, neurons, units, highest, lowest)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    return low.min(keepdims=True) if len(candidates.reference) == 1 else low


def _states_held(
    incoming: PopulationToRound,
    limits: Limits,
    neurons: Neurons,
    units: np.ndarray,
    highest: np.ndarray,
    lowest: np.ndarray,
) -> np.ndarray:
    """Return the channels whose states keep within their bits. highest, lowest: what can arrive in a step, at most."""
    arrivals: np.ndarray = np.maximum(highest, -lowest) <= limits.largest_arrival
    held = arrivals & (state_bounds(highest, lowest, neurons, incoming.steps).largest <= limits.largest_state)
    if incoming.largest_states is None:
        return held
    measured = incoming.largest_states / units * 2**STATE_SHIFT <= limits.largest_state
    # What a chip's accumulator does beyond its bits is not known, so that no input may come there.
    measured = measured if limits.accumulator_bits is None else measured & arrivals
    return held | measured  # a margin may be wider than what any input can cause


def _integers(
    incoming: PopulationToRound, limits: Limits, candidates: _Candidates, chosen: Choice, ranges: Sequence[WeightRange]
) -> Fit:
    channels = len(incoming.weights[0])
    places = np.broadcast_to(chosen.candidates, channels)
    units, thresholds = _units(candidates, places), candidates.thresholds[places]
    steps = [units * 2**e for e in chosen.exponents]
    parts = list(zip(incoming.weights, steps, ranges, strict=True))
    neurons, _ = _neurons(incoming, limits, units, thresholds)
    return Fit(
        units,
        thresholds,
        tuple(rounded(w, s, r.least, r.most) for w, s, r in parts),
        chosen.exponents,
        neurons.bias,
        neurons.reset_value,
        neurons.initial_value,
        neurons.threshold_step,
        np.zeros(channels),
        tuple(_beyond(w, s, r) for w, s, r in parts),
        _largest_rounding(incoming, neurons, units),
    )


def _largest_rounding(incoming: PopulationToRound, neurons: Neurons, units: np.ndarray) -> float:
    initial = neurons.initial_value - int(starts_one_above(incoming))
    pairs = (
        (neurons.bias, incoming.bias),
        (neurons.reset_value, incoming.reset_value),
        (initial, incoming.initial_value),
        (neurons.threshold_step, incoming.threshold_step),
    )
    return max(float(np.abs(whole * units * _STATE_UNIT - exact).max()) for whole, exact in pairs)


def _neurons(
    incoming: PopulationToRound, limits: Limits, units: np.ndarray, thresholds: np.ndarray
) -> tuple[Neurons, np.ndarray]:
    """Return what the population's neurons are in these units, and which channels of it the limits hold."""
    per_state_unit = units * _STATE_UNIT
    bias, bias_fits = _whole_bias(incoming.bias / per_state_unit, limits)
    exact = (incoming.reset_value, incoming.initial_value, incoming.threshold_step)
    others = [np.rint(v / per_state_unit) for v in exact]
    if starts_one_above(incoming):
        others[1] += 1
    fits = bias_fits & (np.abs([bias, *others]) <= limits.largest_state).all(axis=0)
    reset_value, initial_value, threshold_step = (
        v.clip(-limits.largest_state, limits.largest_state).astype(np.int64) for v in others
    )
    threshold_keep = np.broadcast_to(np.asarray(incoming.threshold_keep, np.int64), len(units))
    fits &= largest_rise(threshold_step, threshold_keep) <= limits.largest_state
    threshold = None if incoming.threshold is None else thresholds.astype(np.int64) << STATE_SHIFT
    neurons = Neurons(
        np.asarray(incoming.voltage_keep, np.int64),
        np.asarray(incoming.current_keep, np.int64),
        bias,
        threshold,
        incoming.reset,
        np.broadcast_to(reset_value, len(units)),
        np.broadcast_to(initial_value, len(units)),
        np.broadcast_to(threshold_step, len(units)),
        threshold_keep,
    )
    return neurons, fits


def _whole_bias(exact: np.ndarray, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """Return biases as whole numbers that the target holds, int64, and which of them it does."""
    exact, least = exact.clip(-limits.largest_state, limits.largest_state), limits.least_bias_exponent
    whole: np.ndarray = np.rint(exact / 2**least).astype(np.int64) << least
    if limits.bias_mantissa is None:
        return whole, np.ones(len(whole), bool)
    fits = np.zeros(len(whole), bool)
    for exponent in range(least, limits.bias_exponent + 1):
        mantissa = np.rint(exact / 2**exponent).astype(np.int64)
        holds = ~fits & (np.abs(mantissa) <= limits.bias_mantissa)
        whole = np.where(holds, mantissa << exponent, whole)
        fits |= holds
    return whole, fits


def biases_held(bias: np.ndarray, limits: Limits) -> np.ndarray:
    """Return (channels,): which of `bias`, in state units, are a mantissa times a power of two that the target has."""
    whole, fits = _whole_bias(bias.astype(np.float64), limits)
    return fits & (whole == bias)


def _too_large(found: Fit, incoming: PopulationToRound, limits: Limits) -> np.ndarray:
    """Return the channels in which some input could make a state leave its bits."""
    factors = [v << e for v, e in zip(incoming.largest_values, found.exponents, strict=True)]
    neurons, fits = _neurons(incoming, limits, found.units, found.thresholds)
    most, least = largest_sums(found.weights, factors)
    too_large: np.ndarray = ~(fits & _states_held(incoming, limits, neurons, found.units, most, least))
    return too_large


def _beyond(weights: np.ndarray, steps: np.ndarray, limits: WeightRange) -> int:
    """Return how many weights do not reach their nearest whole number because it is not allowed."""
    rows = weights.reshape(len(weights), -1)
    cut = (rows.max(axis=1) > (limits.most + 0.5) * steps) | (rows.min(axis=1) < (limits.least - 0.5) * steps)
    whole = rows[cut] / steps[cut, None]
    return int(((whole > limits.most + 0.5) | (whole < limits.least - 0.5)).sum())


def _units(candidates: _Candidates, places: np.ndarray) -> np.ndarray:
    """Return the unit of each channel at its candidate."""
    rows = np.zeros(len(places), np.int64) if len(candidates.units) == 1 else np.arange(len(places))
    units: np.ndarray = candidates.units[rows, places]
    return units


def _finest_step(candidates: _Candidates, choice: Choice) -> np.ndarray:
    """Return the place of the finest connection's step on the grid, of each channel."""
    place: np.ndarray = candidates.index[choice.candidates] - PER_OCTAVE * min(choice.exponents)
    return place


def _shared(channels: np.ndarray, candidates: _Candidates) -> np.ndarray:
    return channels.any(keepdims=True) if len(candidates.reference) == 1 else channels


def _too_coarse(where: str, incoming: PopulationToRound, ranges: Sequence[WeightRange]) -> str:
    largest = max(float(np.abs(w).max()) for w in incoming.weights)
    most = max(max(r.most, -r.least) for r in ranges)
    threshold = 0.0 if incoming.threshold is None else float(np.min(incoming.threshold))
    return (
        f"{where}: its threshold {threshold:.3g} is less than one step of its weights, which reach {largest:.3g} in "
        f"{most} steps of at most 2^{LARGEST_EXPONENT} units, so every input spike would fire it. Use more weight "
        "bits, or train with weight decay."
    )


def _out_of_bounds(where: str, incoming: PopulationToRound, limits: Limits, candidates: _Candidates) -> str:
    places = np.zeros(len(incoming.weights[0]), np.int64)
    units = _units(candidates, places)
    neurons, _ = _neurons(incoming, limits, units, candidates.thresholds[places])
    sides = []
    for sign in (1, -1):
        sums = np.zeros(len(units))
        for w, value in zip(incoming.weights, incoming.largest_values, strict=True):
            sums += np.maximum(sign * w.reshape(len(w), -1), 0).sum(axis=1) * value
        whole, none = np.rint(sums / units * 2**STATE_SHIFT).astype(np.int64), np.zeros(len(units), np.int64)
        highest, lowest = (whole, none) if sign > 0 else (none, -whole)
        sides.append(state_bounds(highest, lowest, neurons, incoming.steps).largest)
    side, channel = (int(i) for i in np.unravel_index(np.argmax(sides), np.shape(sides)))
    if limits.accumulator_bits is not None and sides[side][channel] <= limits.largest_state:
        return (
            f"{where}: no weight scale keeps what arrives in a step within {limits.accumulator_bits} bits. Use a "
            "smaller fan-in, or choose a profile whose chip adds in more bits."
        )
    return (
        f"{where}: no weight scale keeps its states within {limits.state_bits} bits over {incoming.steps} steps. "
        f"In the coarsest one, channel {channel} reaches {sides[side][channel]} of {limits.largest_state} when every "
        f"{('excitatory', 'inhibitory')[side]} synapse brings its largest value in every step. Use fewer steps or a "
        "smaller fan-in."
    )
