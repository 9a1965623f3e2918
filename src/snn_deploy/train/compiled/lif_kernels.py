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
from numba import cfunc, njit, types

from snn_deploy.train.compiled.norm_kernels import COMPILED, INLINED, MATH, add_products, normalize_part
from snn_deploy.train.compiled.pool_kernels import pool_part, spread_part

Slope = Callable[[float, float, float], float]  # of a surrogate: at (u - threshold, threshold, sharpness)
STATISTICS = 4  # sums of: potential, |spike - potential|, (spike - potential)^2, spikes

_ROW = types.float32[::1]
_SLOPES = types.void(_ROW, types.float32, types.float32, _ROW)


@njit(cache=True, **COMPILED)
def forward(  # type: ignore[no-untyped-def]
    currents, factor, offset, innermost, keep, least, width, pool, first, last, pooled, statistics
):
    """Write the pooled mean of the spikes of samples first..last to `pooled`, and add to `statistics` (double)."""
    given, _, parts, size = currents.shape
    steps = pooled.shape[0]
    left, spikes, normalized = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    one, zero = np.float32(1), np.float32(0)
    share = one / np.float32(pool * pool)
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
                pool_part(spikes, width, innermost, pool, share, pooled[t, b, p])


# Functions of their own, like the next: inside the large one their loops would not become vector code.
@njit(cache=True, **INLINED)
def add_statistics(potentials, spikes, statistics):  # type: ignore[no-untyped-def]
    """Add what the neurons of a part give in a step to `statistics` (double)."""
    potential_sum, absolute, square, count = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for i in range(len(potentials)):
        error = spikes[i] - potentials[i]
        potential_sum += potentials[i]
        absolute += abs(error)
        square += error * error
        count += spikes[i]
    statistics[0] += np.float64(potential_sum)
    statistics[1] += np.float64(absolute)
    statistics[2] += np.float64(square)
    statistics[3] += np.float64(count)


@njit(cache=True, **INLINED)
def step_back(  # type: ignore[no-untyped-def]
    potentials, spikes, arriving, slopes, keep, by_potential, by_error, by_square, by_spike, later
):
    """Turn the gradient with respect to the next step's potential, in `later`, into that of this step."""
    one, zero = np.float32(1), np.float32(0)
    for i in range(len(later)):
        potential, spike = potentials[i], spikes[i]
        error = spike - potential
        above = one if error > zero else zero
        below = one if error < zero else zero
        value = (arriving[i] + by_spike) * slopes[i]
        value += by_potential - by_error * (above - below) - by_square * error
        value += keep * later[i] * ((one - spike) - potential * slopes[i])
        later[i] = value


@njit(cache=True, **INLINED)
def _by_keep(potentials, spikes, later):  # type: ignore[no-untyped-def]
    """Return the sum of what a step left times the gradient with respect to the next step's potential, float32."""
    one, total = np.float32(1), np.float32(0)
    for i in range(len(later)):
        total += later[i] * (potentials[i] * (one - spikes[i]))
    return total


@cache
def slopes_kernel(slope: Slope) -> Any:
    """Return what writes the slopes of a row of neurons, slope(u - threshold, threshold, sharpness), for the kernels.

    They call it by its address: so they are compiled once for all surrogates, and the next process reads them from
    numba's cache. A kernel that is made around a function would be compiled in every process, for seconds.
    """
    slope_at = njit(inline="always", fastmath=MATH, error_model="numpy")(slope)

    @cfunc(_SLOPES, fastmath=MATH, error_model="numpy")
    def fill(potentials, threshold, sharpness, slopes):  # type: ignore[no-untyped-def]
        for i in range(len(slopes)):
            slopes[i] = slope_at(potentials[i] - threshold, threshold, sharpness)

    return fill


@njit(cache=True, **INLINED)
def sweep_back(  # type: ignore[no-untyped-def]
    potentials, spikes, keep, threshold, innermost, width, pool, share, fill_slopes, sharpness, learns, b, p,
    by_pooled, by_potential, by_error, by_square, by_spike, arriving, slopes, later, by_currents,
):  # fmt: skip
    """Write part p of sample b of the gradient with respect to the currents; return that of keep, double.

    potentials, spikes: (steps, size), of this part. fill_slopes: of slopes_kernel. learns: whether keep's is wanted;
    else 0. arriving, slopes, later: (size,), for use inside.
    """
    steps, size = potentials.shape
    given = len(by_currents)
    zero, by_keep = np.float32(0), np.float64(0)
    for i in range(size):
        later[i] = zero
    if given == 1:
        target = by_currents[0, b, p]
        for i in range(size):
            target[i] = zero
    for t in range(steps - 1, -1, -1):
        row, fired = potentials[t], spikes[t]
        spread_part(by_pooled[t, b, p], width, innermost, pool, share, arriving)
        fill_slopes(row, threshold, sharpness, slopes)
        if learns:
            by_keep += np.float64(_by_keep(row, fired, later))
        step_back(row, fired, arriving, slopes, keep, by_potential, by_error, by_square, by_spike, later)
        if given > 1:
            target = by_currents[t, b, p]
            for i in range(size):
                target[i] = later[i]
        else:
            target = by_currents[0, b, p]
            for i in range(size):
                target[i] += later[i]
    return by_keep


@njit(cache=True, **COMPILED)
def backward(  # type: ignore[no-untyped-def]
    currents, factor, offset, innermost, keep, threshold, least, width, pool, fill_slopes, sharpness, learns, first,
    last, by_pooled, by_potential, by_error, by_square, by_spike, by_normalized, sums, products, by_keep,
):  # fmt: skip
    """Write the gradient with respect to the normalized currents of samples first..last to `by_normalized`.

    Adds each channel's sum of it to `sums`, and of it times the raw currents to `products` (double), and where `learns`
    the gradient with respect to keep to `by_keep`. fill_slopes: of slopes_kernel.
    """
    given, _, parts, size = currents.shape
    steps = by_pooled.shape[0]
    potentials, spikes = np.empty((steps, size), np.float32), np.empty((steps, size), np.float32)
    room = np.empty((4, size), np.float32)
    normalized, arriving, slopes, later = room[0], room[1], room[2], room[3]
    totals = np.empty((2, innermost), np.float32)
    one, zero = np.float32(1), np.float32(0)
    share = one / np.float32(pool * pool)
    for b in range(first, last):
        for p in range(parts):
            for i in range(size):
                later[i] = zero
            for t in range(steps):
                if t < given:
                    normalize_part(currents[t, b, p], factor, offset, innermost, p, normalized)
                row, fired = potentials[t], spikes[t]
                for i in range(size):
                    potential = keep * later[i] + normalized[i]
                    fires = potential >= least
                    row[i] = potential
                    fired[i] = one if fires else zero
                    later[i] = zero if fires else potential
            by_keep[0] += sweep_back(
                potentials, spikes, keep, threshold, innermost, width, pool, share, fill_slopes, sharpness, learns, b,
                p, by_pooled, by_potential, by_error, by_square, by_spike, arriving, slopes, later, by_normalized,
            )  # fmt: skip
            for t in range(given - 1, -1, -1):
                add_products(by_normalized[t, b, p], currents[t, b, p], innermost, p, totals, sums, products)
