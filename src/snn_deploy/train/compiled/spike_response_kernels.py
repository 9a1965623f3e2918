"""The spike response neuron's two passes, compiled: the same numbers as neurons/spike_response.py's plain loops.

Values lie (steps, lines, positions): a line is one channel of one sample, and a threshold belongs to a channel.
"""

import numba
import numpy as np

Kernel = tuple[float, float, float, float, float]  # gain, voltage_keep, current_keep, and the logarithms of the two


@numba.njit(cache=True, nogil=True)
def respond(currents, thresholds, kernel, keeps_current, potentials, spikes, slopes, totals):  # type: ignore[no-untyped-def]
    """Fill potentials before the reset, spikes, and the potential's slope in time at spikes and in the last step.

    currents: (steps or 1, lines, positions); thresholds: (channels,). totals: (4,) float64, to which the sums of u,
    |s - u|, its square and the spikes s are added, u in thresholds.
    """
    gain, a, b, log_a, log_b = kernel
    gain, a, b, log_a, log_b = np.float32(gain), np.float32(a), np.float32(b), np.float32(log_a), np.float32(log_b)
    zero, one = np.float32(0), np.float32(1)
    steps, lines, positions = potentials.shape
    slow, fast = np.empty(positions, np.float32), np.empty(positions, np.float32)
    new_slow, new_fast = np.empty(positions, np.float32), np.empty(positions, np.float32)
    for line in range(lines):
        threshold = thresholds[line % len(thresholds)]
        slow[:], fast[:], new_slow[:], new_fast[:] = zero, zero, zero, zero
        for t in range(steps):
            shown = t if len(currents) > 1 else 0
            mean, error, square, sent = zero, zero, zero, zero
            for i in range(positions):
                x = currents[shown, line, i]
                slow[i] = a * (slow[i] + x)
                fast[i] = b * (fast[i] + x)
                new_slow[i] = a * (new_slow[i] + x)
                new_fast[i] = b * (new_fast[i] + x)
                u = gain * (slow[i] - fast[i])
                fires = u >= threshold
                potentials[t, line, i] = u
                spikes[t, line, i] = one if fires else zero
                slope = gain * (log_a * new_slow[i] - log_b * new_fast[i])
                slopes[t, line, i] = slope if fires or t == steps - 1 else zero
                relative = u / threshold
                distance = abs(spikes[t, line, i] - relative)
                mean, error, square = mean + relative, error + distance, square + distance * distance
                sent += spikes[t, line, i]
                left = fast[i] if keeps_current else zero
                slow[i] = left if fires else slow[i]
                fast[i] = left if fires else fast[i]
                new_slow[i] = zero if fires else new_slow[i]
                new_fast[i] = zero if fires else new_fast[i]
            totals += np.array((mean, error, square, sent), np.float64)


@numba.njit(cache=True, nogil=True)
def back_in_time(by_times, spikes, slopes, kernel, steepest, by_weights, by_inputs, totals):  # type: ignore[no-untyped-def]
    """Fill the gradients with respect to what arrives: by_weights to its size, by_inputs to its time.

    totals: (4,) float64, to which sum, sum of sizes, positive ones and number of by_times at spikes are added.
    """
    gain, a, b, log_a, log_b = kernel
    gain, a, b, log_a, log_b = np.float32(gain), np.float32(a), np.float32(b), np.float32(log_a), np.float32(log_b)
    zero, one, least = np.float32(0), np.float32(1), np.float32(1 / steepest)
    steps, lines, positions = spikes.shape
    by_potential = np.empty(positions, np.float32)
    slow, fast = np.empty(positions, np.float32), np.empty(positions, np.float32)
    for line in range(lines):
        by_potential[:], slow[:], fast[:] = zero, zero, zero
        for t in range(steps - 1, -1, -1):
            total, scale, positive, count = zero, zero, zero, zero
            for i in range(positions):
                fires = spikes[t, line, i] > zero
                slope = max(slopes[t, line, i], least)
                by_potential[i] = -by_times[t, line, i] / slope if fires else by_potential[i]
                slow[i] = a * (one if fires else slow[i])
                fast[i] = b * (one if fires else fast[i])
                at_spike = by_times[t, line, i] if fires else zero
                total, scale = total + at_spike, scale + abs(at_spike)
                positive += one if at_spike > zero else zero
                count += one if at_spike != zero else zero
                by_weights[t, line, i] = by_potential[i] * gain * (slow[i] - fast[i])
                by_inputs[t, line, i] = -by_potential[i] * gain * (log_a * slow[i] - log_b * fast[i])
            totals += np.array((total, scale, positive, count), np.float64)
