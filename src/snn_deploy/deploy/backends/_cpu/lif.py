"""The neurons of the CPU backend: one compiled pass over a population, the same integers as integer_semantics.step.

All arithmetic stays in the type of the state arrays. In int32 the product state * keep would overflow, so it is
taken in two parts: with |x| = 4096 h + l, |x| * keep / 4096 = h * keep + l * keep / 4096, exactly.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from snn_deploy.network.integer_network import IntegerPopulation
from snn_deploy.network.state_units import STATE_HALF, STATE_SHIFT

_NEURONS_AT_A_TIME = 1024  # the states and parameters of so many neurons stay in the first-level cache


@dataclass(frozen=True)
class Neurons:
    """The parameters of a population for `advance`, in the type of its states.

    Each of shape (block,): the channels repeated over as many positions as one pass of the kernel takes.
    subtracts: whether a spike takes the threshold off, else it sets the potential to reset_value.
    current_keep: None where nothing of a current is left and no sum wraps, so that the current is the sum.
    can_overflow: whether some input can make a state leave its 24 bits, so that those that do are counted.
    threshold_keep: None where no threshold adapts; that kernel has no rises of thresholds.
    """

    channels: int
    subtracts: bool
    can_overflow: bool
    threshold: np.ndarray  # in state units; one that no potential reaches where the population never fires
    voltage_keep: np.ndarray
    current_keep: np.ndarray | None
    bias: np.ndarray
    reset_value: np.ndarray
    initial_potential: np.ndarray
    threshold_step: np.ndarray
    threshold_keep: np.ndarray | None


def neurons_of(
    population: IntegerPopulation, state_type: type[np.signedinteger[Any]], largest: int, *, can_overflow: bool
) -> Neurons:
    """Return the parameters of the neurons of `population`, at which sums of at most `largest` arrive."""
    p = population
    channels, positions = p.shape[0], int(np.prod(p.shape[1:]))
    threshold = p.threshold.astype(np.int64) << STATE_SHIFT
    if not p.fires:
        threshold = np.full_like(threshold, STATE_HALF)
    repeats = min(positions, -(-_NEURONS_AT_A_TIME // channels))
    is_plain = not p.current_keep.any() and largest << STATE_SHIFT < STATE_HALF

    def tiled(values: np.ndarray) -> np.ndarray:
        return np.tile(values.astype(state_type), repeats)

    return Neurons(
        channels=channels,
        subtracts=p.reset == "subtract",
        can_overflow=can_overflow,
        threshold=tiled(threshold),
        voltage_keep=tiled(p.voltage_keep),
        current_keep=None if is_plain else tiled(p.current_keep),
        bias=tiled(p.bias),
        reset_value=tiled(p.reset_value),
        initial_potential=tiled(p.initial_value),
        threshold_step=tiled(p.threshold_step),
        threshold_keep=tiled(p.threshold_keep) if p.adapts else None,
    )


def advance(
    neurons: Neurons,
    arriving: np.ndarray,
    shown: np.ndarray,
    current: np.ndarray,
    potential: np.ndarray,
    rise: np.ndarray,
    spikes: np.ndarray,
    spike_sums: np.ndarray,
    overflows: np.ndarray | None,
) -> None:
    """Advance the states of a population by some steps, in place. Neurons stand channels last.

    arriving: (frames, samples, neurons), exact sums in a float type.
    shown: (steps,), the index of the frame that arrives in each step, or -1 where nothing does.
    current, potential: (samples, neurons), int32 or int64: the states before, then after; or (0, 0), and then all
        start from the first step and are forgotten after the last. rise: of the thresholds, the same; (0, 0) as well
        where none adapts.
    spikes: (steps, samples, neurons) uint8, filled. spike_sums: (samples, positions) int32, added to.
    overflows: (2, samples) int64, how many currents wrapped and how many potentials saturated, added to; None where
        neither can happen: that kernel does not look.
    """
    n = neurons
    parameters = (n.threshold, n.voltage_keep, n.current_keep, n.bias, n.reset_value, n.initial_potential)
    adaptation = (n.threshold_step, n.threshold_keep)
    # The constants travel as arguments: a cached kernel would keep the ones it was compiled with.
    constants = (n.subtracts, n.channels, STATE_SHIFT, STATE_HALF)
    # So does the room for the states of a block: arrays that are made inside take longer to compile.
    room = (np.zeros((3, len(n.threshold)), n.threshold.dtype), np.zeros(len(n.threshold), np.int32))
    states = (current, potential, rise)
    _advance(*parameters, *adaptation, *constants, *room, arriving, shown, *states, spikes, spike_sums, overflows)


@numba.njit(cache=True, nogil=True)
def _advance(  # type: ignore[no-untyped-def]
    threshold,
    voltage_keep,
    current_keep,
    bias,
    reset_value,
    initial,
    threshold_step,
    threshold_keep,
    subtracts,
    channels,
    state_shift,
    half,
    states,
    counts,
    arriving,
    shown,
    current,
    potential,
    rise,
    spikes,
    spike_sums,
    overflows,
):
    # Every intermediate is cast: numba would widen int32 to int64, three times slower.
    kind = threshold.dtype.type
    shift, low, twelve = kind(state_shift), kind(4095), kind(12)
    end, most, zero, one = kind(half), kind(half - 1), kind(0), kind(1)
    taken = kind(-1) if subtracts else zero  # a mask, so that the choice costs no branch in the loop
    (_, samples, size), block, carries, raises = spikes.shape, len(threshold), len(potential) > 0, len(rise) > 0
    u_of, v_of, rise_of = states[0], states[1], states[2]
    for b in range(samples):
        for start in range(0, size, block):
            length = min(block, size - start)
            # Loops, not slices: what numba compiles for the assignment of a slice takes longer than the rest of this.
            for i in range(length):
                counts[i] = 0
                u_of[i] = current[b, start + i] if carries else zero
                v_of[i] = potential[b, start + i] if carries else initial[i]
                if threshold_keep is not None:  # compiled away where no threshold adapts
                    rise_of[i] = rise[b, start + i] if raises else zero
            for t in range(len(shown)):
                frame = shown[t]
                sums = arriving[max(frame, 0), b, start : start + length]
                sent = spikes[t, b, start : start + length]
                arrives = kind(-1) if frame >= 0 else zero  # a mask as well
                for i in range(length):
                    u = kind(kind(kind(sums[i]) & arrives) << shift)
                    if current_keep is not None:
                        x = u_of[i]
                        a = kind(abs(x))
                        a = kind(
                            kind(kind(a >> twelve) * current_keep[i])
                            + kind(kind(kind(a & low) * current_keep[i]) >> twelve)
                        )
                        u = kind(u + (kind(-a) if x < zero else a))
                        if overflows is not None and (u > end or u <= -end):
                            overflows[0, b] += 1
                        u = kind(u - kind(end + end)) if u > end else (kind(u + kind(end + end)) if u <= -end else u)
                        u_of[i] = u
                    x = v_of[i]
                    a = kind(abs(x))
                    a = kind(
                        kind(kind(a >> twelve) * voltage_keep[i])
                        + kind(kind(kind(a & low) * voltage_keep[i]) >> twelve)
                    )
                    v = kind(kind(kind(-a) if x < zero else a) + kind(u + bias[i]))
                    if overflows is not None and (v > most or v < -most):
                        overflows[1, b] += 1
                    v = min(max(v, kind(-most)), most)
                    if threshold_keep is None:
                        fires = one if v > threshold[i] else zero
                    else:
                        fires = one if v > kind(threshold[i] + rise_of[i]) else zero
                        rise_of[i] = kind(  # never negative
                            kind(kind(rise_of[i] >> twelve) * threshold_keep[i])
                            + kind(kind(kind(rise_of[i] & low) * threshold_keep[i]) >> twelve)
                            + kind(threshold_step[i] & kind(-fires))
                        )
                    after = kind(reset_value[i] + kind(kind(v - threshold[i]) & taken))
                    v_of[i] = after if fires else v
                    sent[i] = np.uint8(fires)
                    counts[i] += np.int32(fires)
            if carries:
                for i in range(length):
                    current[b, start + i] = u_of[i]
                    potential[b, start + i] = v_of[i]
                    if raises:
                        rise[b, start + i] = rise_of[i]
            for position in range(length // channels):
                total = np.int32(0)
                for i in range(position * channels, (position + 1) * channels):
                    total = np.int32(total + counts[i])
                spike_sums[b, start // channels + position] += total
