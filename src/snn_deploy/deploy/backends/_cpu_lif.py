"""The neurons of the CPU backend: one compiled pass over a population, the same integers as integer_semantics.step.

All arithmetic stays in the type of the state arrays. In int32 the product state * keep would overflow, so it is
taken in two parts: with |x| = 4096 h + l, |x| * keep / 4096 = h * keep + l * keep / 4096, exactly.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from snn_deploy.deploy.backends import _cpu_limits as limits
from snn_deploy.export.integer_network import STATE_SHIFT, IntegerPopulation

_NEURONS_AT_A_TIME = 2048  # the states and parameters of so many neurons stay in the first-level cache


@dataclass(frozen=True)
class Neurons:
    """The parameters of a population for `advance`: each of shape (neurons,), in the type of its states.

    subtracts: whether a spike takes the threshold off, else it sets the potential to reset_value.
    """

    subtracts: bool
    threshold: np.ndarray  # in state units; one that no potential reaches where the population never fires
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    bias: np.ndarray
    reset_value: np.ndarray


def neurons_of(population: IntegerPopulation, state_type: type[np.signedinteger[Any]]) -> Neurons:
    """Return the parameters of every neuron of `population`, its channels repeated over their positions."""
    positions = int(np.prod(population.shape[1:]))
    threshold = population.threshold.astype(np.int64) << STATE_SHIFT
    if not population.fires:
        threshold = np.full_like(threshold, limits.HALF)
    p = population
    parameters = (threshold, p.voltage_keep, p.current_keep, p.bias, p.reset_value)
    per_neuron = [values.astype(state_type).repeat(positions) for values in parameters]
    return Neurons(p.reset == "subtract", *per_neuron)


def advance(
    neurons: Neurons,
    arriving: np.ndarray,
    shown: np.ndarray,
    current: np.ndarray,
    potential: np.ndarray,
    spikes: np.ndarray,
    spike_sums: np.ndarray,
) -> None:
    """Advance the states of a population by some steps, in place.

    arriving: (frames, samples, neurons), exact sums in a float type.
    shown: (steps,), the index of the frame that arrives in each step, or -1 where nothing does.
    current, potential: (samples, neurons), int32 or int64: the states before, then after.
    spikes: (steps, samples, neurons) uint8, filled. spike_sums: (samples, neurons) int32, added to.
    """
    n = neurons
    parameters = (n.threshold, n.voltage_keep, n.current_keep, n.bias, n.reset_value, n.subtracts)
    # The constants travel as arguments: a cached kernel would keep the ones it was compiled with.
    _advance(*parameters, STATE_SHIFT, limits.HALF, arriving, shown, current, potential, spikes, spike_sums)


@numba.njit(cache=True, nogil=True)
def _advance(  # type: ignore[no-untyped-def]
    threshold,
    voltage_keep,
    current_keep,
    bias,
    reset_value,
    subtracts,
    state_shift,
    half,
    arriving,
    shown,
    current,
    potential,
    spikes,
    spike_sums,
):
    # Every intermediate is cast: numba would widen int32 to int64, three times slower.
    kind = potential.dtype.type
    shift, low, twelve = kind(state_shift), kind(4095), kind(12)
    end, most, zero = kind(half), kind(half - 1), kind(0)
    taken = kind(-1) if subtracts else zero  # a mask, so that the choice costs no branch in the loop
    samples, size = potential.shape
    for b in range(samples):
        for start in range(0, size, _NEURONS_AT_A_TIME):
            stop = min(start + _NEURONS_AT_A_TIME, size)
            for t in range(len(shown)):
                frame = shown[t]
                for i in range(start, stop):
                    x = current[b, i]
                    a = kind(abs(x))
                    a = kind(
                        kind(kind(a >> twelve) * current_keep[i])
                        + kind(kind(kind(a & low) * current_keep[i]) >> twelve)
                    )
                    u = kind(-a) if x < zero else a
                    if frame >= 0:
                        u = kind(u + kind(kind(arriving[frame, b, i]) << shift))
                    u = kind(u - kind(end + end)) if u > end else (kind(u + kind(end + end)) if u <= -end else u)
                    current[b, i] = u

                    x = potential[b, i]
                    a = kind(abs(x))
                    a = kind(
                        kind(kind(a >> twelve) * voltage_keep[i])
                        + kind(kind(kind(a & low) * voltage_keep[i]) >> twelve)
                    )
                    v = kind(kind(kind(-a) if x < zero else a) + kind(u + bias[i]))
                    v = min(max(v, kind(-most)), most)
                    fires = v > threshold[i]
                    after = kind(reset_value[i] + kind(kind(v - threshold[i]) & taken))
                    potential[b, i] = after if fires else v
                    spikes[t, b, i] = fires
                    spike_sums[b, i] += fires
