"""lif_kernels: leaky integrate-and-fire over all steps in one pass, compiled: norm, neuron, pooling, statistics.

Arrays lie as in norm_kernels.py; with channels innermost, a part has as many rows as a pooling window. The currents of
a static image have one step only. A neuron fires where its potential is at least `least`. One part of one sample is
taken through all steps while it is in the cache; the backward pass computes the potentials again instead of storing
them. The plain form that these kernels are compared with is neurons/lif.py.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from snn_deploy.train.compiled.norm_kernels import COMPILED, MATH, add_products, normalize_part
from snn_deploy.train.compiled.pool_kernels import pool_part, spread_part

STATISTICS = 4  # sums of: potential, |spike - potential|, (spike - potential)^2, spikes


@njit(cache=True, **COMPILED)
def forward(  # type: ignore[no-untyped-def]
    currents, factor, offset, innermost, keep, least, width, pool, first, last, pooled, statistics
):
    """Write the pooled mean of the spikes of samples first..last to `pooled`, and add to `statistics` (double)."""
    given, _, parts, size = currents.shape
    steps = pooled.shape[0]
    left, spikes, normalized = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    one, zero = np.float32(1), np.float32(0)
    for b in range(first, last):
        for p in range(parts):
            for i in range(size):
                left[i] = zero
            for t in range(steps):
                if t < given:
                    normalize_part(currents[t, b, p], factor, offset, innermost, p, normalized)
                potential_sum, absolute, square, count = zero, zero, zero, zero
                for i in range(size):
                    potential = keep * left[i] + normalized[i]
                    fired = potential >= least
                    spike = one if fired else zero
                    spikes[i] = spike
                    left[i] = zero if fired else potential
                    error = spike - potential
                    potential_sum += potential
                    absolute += abs(error)
                    square += error * error
                    count += spike
                statistics[0] += np.float64(potential_sum)
                statistics[1] += np.float64(absolute)
                statistics[2] += np.float64(square)
                statistics[3] += np.float64(count)
                pool_part(spikes, width, innermost, pool, pooled[t, b, p])


@njit(**COMPILED)  # a function of its own: inside the large one its loop would not become vector code
def _step_back(  # type: ignore[no-untyped-def]
    potentials, arriving, slopes, keep, least, by_potential, by_error, by_square, by_spike, later
):
    """Turn the gradient with respect to the next step's potential, in `later`, into that of this step."""
    one, zero = np.float32(1), np.float32(0)
    for i in range(len(later)):
        potential = potentials[i]
        spike = one if potential >= least else zero
        error = spike - potential
        above = one if error > zero else zero
        below = one if error < zero else zero
        value = (arriving[i] + by_spike) * slopes[i]
        value += by_potential - by_error * (above - below) - by_square * error
        value += keep * later[i] * ((one - spike) - potential * slopes[i])
        later[i] = value


@cache
def backward_kernel(slope: Callable[[float, float, float], float]) -> Callable[..., Any]:
    """Return the compiled backward pass for the surrogate derivative slope(u - threshold, threshold, sharpness)."""
    compiled_slope = njit(inline="always", fastmath=MATH, error_model="numpy")(slope)

    # Not cached on disk: numba cannot recognise a kernel that was made around a function.
    @njit(**COMPILED)
    def backward(  # type: ignore[no-untyped-def]
        currents, factor, offset, innermost, keep, threshold, least, width, pool, sharpness, first, last,
        by_pooled, by_potential, by_error, by_square, by_spike, by_normalized, sums, products,
    ):  # fmt: skip
        """Write the gradient with respect to the normalized currents of samples first..last to `by_normalized`.

        Adds each channel's sum of it to `sums`, and of it times the raw currents to `products` (double).
        """
        given, _, parts, size = currents.shape
        steps = by_pooled.shape[0]
        potentials = np.empty((steps, size), np.float32)
        arriving, slopes, normalized = (
            np.empty(size, np.float32),
            np.empty(size, np.float32),
            np.empty(size, np.float32),
        )
        later, total = np.empty(size, np.float32), np.empty(size, np.float32)
        totals = np.empty((2, innermost), np.float32)
        zero = np.float32(0)
        for b in range(first, last):
            for p in range(parts):
                for i in range(size):
                    later[i] = zero
                for t in range(steps):
                    if t < given:
                        normalize_part(currents[t, b, p], factor, offset, innermost, p, normalized)
                    row = potentials[t]
                    for i in range(size):
                        potential = keep * later[i] + normalized[i]
                        row[i] = potential
                        later[i] = zero if potential >= least else potential
                for i in range(size):
                    later[i] = zero
                    total[i] = zero
                for t in range(steps - 1, -1, -1):
                    spread_part(by_pooled[t, b, p], width, innermost, pool, arriving)
                    row = potentials[t]
                    for i in range(size):
                        slopes[i] = compiled_slope(row[i] - threshold, threshold, sharpness)
                    _step_back(row, arriving, slopes, keep, least, by_potential, by_error, by_square, by_spike, later)
                    if given > 1:
                        target = by_normalized[t, b, p]
                        for i in range(size):
                            target[i] = later[i]
                        add_products(later, currents[t, b, p], innermost, p, totals, sums, products)
                    else:
                        for i in range(size):
                            total[i] += later[i]
                if given == 1:
                    target = by_normalized[0, b, p]
                    for i in range(size):
                        target[i] = total[i]
                    add_products(total, currents[0, b, p], innermost, p, totals, sums, products)

    return backward
