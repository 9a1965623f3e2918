"""lif_kernels: leaky integrate-and-fire over all steps in one pass, compiled: norm, neuron, pooling, statistics.

Arrays are float32, (steps, batch, channels, height, width). The currents of a static image have one step only.
A neuron fires where its potential is at least `least`. A row of neurons is taken through all steps while it is in
the cache; the backward pass computes the potentials again instead of storing them. The plain form that these
kernels are compared with is neurons/lif.py.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

# Sums may be reordered (they become vector code); products and sums are not fused, as in the plain form.
_MATH = {"reassoc", "nsz"}

STATISTICS = 4  # sums of: potential, |spike - potential|, (spike - potential)^2, spikes


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy")
def moments(currents, along_row, first, last, sums, squares):  # type: ignore[no-untyped-def]
    """Add each channel's sum and sum of squares over samples first..last to `sums` and `squares` (double)."""
    steps, _, channels, height, width = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for c in range(channels):
                for y in range(height):
                    if along_row:
                        for x in range(width):
                            value = np.float64(currents[t, b, c, y, x])
                            sums[x] += value
                            squares[x] += value * value
                    else:
                        row_sum, row_squares = np.float32(0), np.float32(0)
                        for x in range(width):
                            value = currents[t, b, c, y, x]
                            row_sum += value
                            row_squares += value * value
                        sums[c] += np.float64(row_sum)
                        squares[c] += np.float64(row_squares)


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy")
def forward(currents, factor, offset, along_row, keep, least, pool, first, last, pooled, statistics):  # type: ignore[no-untyped-def]
    """Write the pooled mean of the spikes of samples first..last to `pooled`, and add to `statistics` (double)."""
    given, _, channels, height, width = currents.shape
    steps, pooled_height, pooled_width = pooled.shape[0], pooled.shape[3], pooled.shape[4]
    left, spikes = np.empty(width, np.float32), np.empty(width, np.float32)
    scale, shift = np.empty(width, np.float32), np.empty(width, np.float32)
    share = np.float32(1) / np.float32(pool * pool)
    one, zero = np.float32(1), np.float32(0)
    for b in range(first, last):
        for c in range(channels):
            if along_row:
                scale[:], shift[:] = factor, offset
            else:
                scale[:], shift[:] = factor[c], offset[c]
            for y in range(height):
                for x in range(width):
                    left[x] = zero
                for t in range(steps):
                    row = currents[t if given > 1 else 0, b, c, y]
                    potential_sum, absolute, square, count = zero, zero, zero, zero
                    for x in range(width):
                        potential = row[x] * scale[x] + shift[x]
                        potential = keep * left[x] + potential
                        fired = potential >= least
                        spike = one if fired else zero
                        spikes[x] = spike
                        left[x] = zero if fired else potential
                        error = spike - potential
                        potential_sum += potential
                        absolute += abs(error)
                        square += error * error
                        count += spike
                    statistics[0] += np.float64(potential_sum)
                    statistics[1] += np.float64(absolute)
                    statistics[2] += np.float64(square)
                    statistics[3] += np.float64(count)
                    if pool == 1:
                        target = pooled[t, b, c, y]
                        for x in range(width):
                            target[x] = spikes[x]
                    elif y < pooled_height * pool:
                        target = pooled[t, b, c, y // pool]
                        if y % pool == 0:
                            for x in range(pooled_width):
                                target[x] = zero
                        for x in range(pooled_width):
                            total = zero
                            for j in range(pool):
                                total += spikes[x * pool + j]
                            target[x] += total * share


@cache
def backward_kernel(slope: Callable[[float, float], float]) -> Callable[..., Any]:  # noqa: PLR0915 - one sweep
    """Return the compiled backward pass for a surrogate whose derivative is slope(potential - threshold, sharpness)."""
    compiled_slope = njit(inline="always", fastmath=_MATH, error_model="numpy")(slope)

    # Not cached on disk: numba cannot recognise a kernel that was made around a function.
    @njit(nogil=True, fastmath=_MATH, error_model="numpy")
    def backward(  # type: ignore[no-untyped-def]  # noqa: PLR0915
        currents, factor, offset, along_row, keep, threshold, least, pool, sharpness, first, last,
        by_pooled, by_potential, by_absolute, by_square, by_normalized, sums, products,
    ):  # fmt: skip
        """Write the derivative by the normalized currents of samples first..last to `by_normalized`.

        Adds each channel's sum of it to `sums`, and of it times the raw currents to `products` (double).
        """
        given, _, channels, height, width = currents.shape
        steps, pooled_height, pooled_width = by_pooled.shape[0], by_pooled.shape[3], by_pooled.shape[4]
        potentials = np.empty((steps, width), np.float32)
        arriving, slopes = np.empty(width, np.float32), np.empty(width, np.float32)
        later, total = np.empty(width, np.float32), np.empty(width, np.float32)
        scale, shift = np.empty(width, np.float32), np.empty(width, np.float32)
        share = np.float32(1) / np.float32(pool * pool)
        one, zero = np.float32(1), np.float32(0)
        for b in range(first, last):
            for c in range(channels):
                if along_row:
                    scale[:], shift[:] = factor, offset
                else:
                    scale[:], shift[:] = factor[c], offset[c]
                for y in range(height):
                    for x in range(width):
                        later[x] = zero
                    for t in range(steps):
                        row, row_potentials = currents[t if given > 1 else 0, b, c, y], potentials[t]
                        for x in range(width):
                            potential = row[x] * scale[x] + shift[x]
                            potential = keep * later[x] + potential
                            row_potentials[x] = potential
                            fired = potential >= least
                            later[x] = zero if fired else potential
                    for x in range(width):
                        later[x] = zero
                    for x in range(width):
                        total[x] = zero
                    for t in range(steps - 1, -1, -1):
                        if pool == 1:
                            source = by_pooled[t, b, c, y]
                            for x in range(width):
                                arriving[x] = source[x]
                        elif y < pooled_height * pool:
                            source = by_pooled[t, b, c, y // pool]
                            for x in range(pooled_width):
                                for j in range(pool):
                                    arriving[x * pool + j] = source[x] * share
                            for x in range(pooled_width * pool, width):
                                arriving[x] = zero
                        else:
                            for x in range(width):
                                arriving[x] = zero
                        row_potentials = potentials[t]
                        for x in range(width):
                            slopes[x] = compiled_slope(row_potentials[x] - threshold, sharpness)
                        for x in range(width):
                            potential = row_potentials[x]
                            fired = potential >= least
                            spike = one if fired else zero
                            error = spike - potential
                            above = one if error > zero else zero  # a nested choice would not become vector code
                            below = one if error < zero else zero
                            value = arriving[x] * slopes[x]
                            value += by_potential - by_absolute * (above - below) - by_square * error
                            value += keep * later[x] * ((one - spike) - potential * slopes[x])
                            later[x] = value
                            total[x] += value
                        if given > 1:
                            gradients = by_normalized[t, b, c, y]
                            for x in range(width):
                                gradients[x] = later[x]
                            raw = currents[t, b, c, y]
                            if along_row:
                                for x in range(width):
                                    sums[x] += np.float64(later[x])
                                    products[x] += np.float64(later[x] * raw[x])
                            else:
                                row_sum, row_product = zero, zero
                                for x in range(width):
                                    row_sum += later[x]
                                    row_product += later[x] * raw[x]
                                sums[c] += np.float64(row_sum)
                                products[c] += np.float64(row_product)
                    if given == 1:
                        gradients = by_normalized[0, b, c, y]
                        for x in range(width):
                            gradients[x] = total[x]
                        raw = currents[0, b, c, y]
                        if along_row:
                            for x in range(width):
                                sums[x] += np.float64(total[x])
                                products[x] += np.float64(total[x] * raw[x])
                        else:
                            row_sum, row_product = zero, zero
                            for x in range(width):
                                row_sum += total[x]
                                row_product += total[x] * raw[x]
                            sums[c] += np.float64(row_sum)
                            products[c] += np.float64(row_product)

    return backward


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy")
def through_norm(currents, factor, by_mean, by_square, along_row, first, last, gradients):  # type: ignore[no-untyped-def]
    """Turn derivatives by the normalized currents in `gradients` into those by the raw currents, in place.

    by_mean, by_square: per channel, what each raw current adds through the statistics: by_mean + by_square * current.
    """
    steps, _, channels, height, width = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for c in range(channels):
                for y in range(height):
                    row, target = currents[t, b, c, y], gradients[t, b, c, y]
                    if along_row:
                        for x in range(width):
                            target[x] = target[x] * factor[x] + (by_mean[x] + by_square[x] * row[x])
                    else:
                        for x in range(width):
                            target[x] = target[x] * factor[c] + (by_mean[c] + by_square[c] * row[x])
