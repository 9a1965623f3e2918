"""quantized_lif_kernels: the integer neuron of integer_semantics.py over all steps in one pass, with gradients.

Arrays lie as in norm_kernels.py, and a part is taken through all steps as in lif_kernels.py. Currents are whole numbers
in float32; states are int32, in state units. The plain form that these kernels are compared with is in
networks/quantized_pass.py.
"""

import numpy as np
from numba import njit

from snn_deploy.network.state_units import DECAY_UNITY, STATE_SHIFT
from snn_deploy.train.compiled.lif_kernels import add_statistics, sweep_back
from snn_deploy.train.compiled.norm_kernels import COMPILED
from snn_deploy.train.compiled.pool_kernels import pool_part

_DECAY_SHIFT = np.int32(DECAY_UNITY.bit_length() - 1)
_BELOW_UNITY = np.int32(DECAY_UNITY - 1)
_ARRIVING_SHIFT = np.int32(STATE_SHIFT)


@njit(cache=True, **COMPILED)
def forward(  # type: ignore[no-untyped-def]
    currents, thresholds, worth, keep, innermost, width, pool, first, last, counts, statistics
):
    """Write the spikes of each window, summed, of samples first..last to `counts`, and add to `statistics` (double).

    thresholds: int32, (channels,), in state units. worth: double, (channels,), what a state unit is worth. keep: int32,
    in 1/4096. statistics: as in lif_kernels.forward.
    """
    given, _, parts, size = currents.shape
    steps = counts.shape[0]
    left, least, value = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.float64)
    potentials, spikes = np.empty(size, np.float32), np.empty(size, np.float32)
    for b in range(first, last):
        for p in range(parts):
            _each_neurons(thresholds, innermost, p, least)
            _each_neurons(worth, innermost, p, value)
            for i in range(size):
                left[i] = np.int32(0)
            for t in range(steps):
                _step(currents[min(t, given - 1), b, p], least, value, keep, left, potentials, spikes)
                add_statistics(potentials, spikes, statistics)
                pool_part(spikes, width, innermost, pool, np.float32(1), counts[t, b, p])


@njit(cache=True, **COMPILED)
def _each_neurons(values, innermost, part, row):  # type: ignore[no-untyped-def]
    """Write to `row` what each neuron of a part has of the channels' `values`."""
    if innermost:
        for start in range(0, len(row), innermost):
            for i in range(innermost):
                row[start + i] = values[i]
    else:
        for i in range(len(row)):
            row[i] = values[part]


@njit(cache=True, **COMPILED)  # functions of their own, like the next: their loops become vector code
def _step(arriving, thresholds, worth, keep, left, potentials, spikes):  # type: ignore[no-untyped-def]
    """Advance the states in `left` by a step; write the potentials before the reset and the spikes."""
    # Every intermediate is cast: numba would widen int32 to int64.
    zero = np.int32(0)
    for i in range(len(left)):
        before = left[i]
        magnitude = np.int32(abs(before))
        # magnitude * keep / 4096 rounded down, in 32 bits: the product itself would need more.
        whole = np.int32(np.int32(magnitude >> _DECAY_SHIFT) * keep)
        rest = np.int32(np.int32(np.int32(magnitude & _BELOW_UNITY) * keep) >> _DECAY_SHIFT)
        kept = np.int32(whole + rest)
        state = np.int32(
            (np.int32(-kept) if before < zero else kept) + np.int32(np.int32(arriving[i]) << _ARRIVING_SHIFT)
        )
        fires = state > thresholds[i]
        left[i] = zero if fires else state
        spikes[i] = np.float32(1) if fires else np.float32(0)
        potentials[i] = np.float32(np.float64(state) * worth[i])


@njit(cache=True, **COMPILED)
def backward(  # type: ignore[no-untyped-def]
    currents, thresholds, worth, keep, innermost, units, voltage_keep, threshold, width, pool, fill_slopes, sharpness,
    learns, first, last, by_counts, by_potential, by_error, by_square, by_spike, by_currents, by_keep,
):  # fmt: skip
    """Write the gradient with respect to the whole currents of samples first..last to `by_currents`.

    units: float32, (channels,), what a current of 1 is worth. voltage_keep, threshold: the neuron's, float32.
    fill_slopes: of lif_kernels.slopes_kernel. Where `learns`, adds the gradient with respect to voltage_keep to
    `by_keep` (double).
    """
    given, _, parts, size = currents.shape
    steps = by_counts.shape[0]
    left, least, value = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.float64)
    potentials, spikes = np.empty((steps, size), np.float32), np.empty((steps, size), np.float32)
    room = np.empty((4, size), np.float32)
    unit, arriving, slopes, later = room[0], room[1], room[2], room[3]
    for b in range(first, last):
        for p in range(parts):
            _each_neurons(thresholds, innermost, p, least)
            _each_neurons(worth, innermost, p, value)
            _each_neurons(units, innermost, p, unit)
            for i in range(size):
                left[i] = np.int32(0)
            for t in range(steps):
                _step(currents[min(t, given - 1), b, p], least, value, keep, left, potentials[t], spikes[t])
            by_keep[0] += sweep_back(
                potentials, spikes, voltage_keep, threshold, innermost, width, pool, np.float32(1), fill_slopes,
                sharpness, learns, b, p, by_counts, by_potential, by_error, by_square, by_spike, arriving, slopes,
                later, by_currents,
            )  # fmt: skip
            for t in range(given):
                target = by_currents[t, b, p]
                for i in range(size):
                    target[i] *= unit[i]
