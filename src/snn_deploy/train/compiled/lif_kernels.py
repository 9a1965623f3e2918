"""lif_kernels: leaky integrate-and-fire over all steps in one pass, compiled: norm, neuron, pooling, statistics.

Arrays are float32, (steps, batch, channels, size), a map of height * width = size neurons or a vector of features.
The currents of a static image have one step only. A neuron fires where its potential is at least `least`. One
channel of one sample is taken through all steps while it is in the cache; the backward pass computes the potentials
again instead of storing them. The plain form that these kernels are compared with is neurons/lif.py.

along_row: factor and offset have one value per neuron of a vector, not one per channel.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

# Sums may be reordered (they become vector code); products and sums are not fused, as in the plain form.
_MATH = {"reassoc", "nsz"}
_COMPILED: dict[str, Any] = {"nogil": True, "fastmath": _MATH, "error_model": "numpy"}

STATISTICS = 4  # sums of: potential, |spike - potential|, (spike - potential)^2, spikes


@njit(cache=True, **_COMPILED)
def moments(currents, along_row, first, last, sums, squares):  # type: ignore[no-untyped-def]
    """Add each channel's sum and sum of squares over samples first..last to `sums` and `squares` (double)."""
    steps, _, channels, size = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for c in range(channels):
                values = currents[t, b, c]
                if along_row:
                    for i in range(size):
                        value = np.float64(values[i])
                        sums[i] += value
                        squares[i] += value * value
                else:
                    total, total_square = np.float32(0), np.float32(0)
                    for i in range(size):
                        total += values[i]
                        total_square += values[i] * values[i]
                    sums[c] += np.float64(total)
                    squares[c] += np.float64(total_square)


@njit(inline="always")
def _normalize(values, factor, offset, along_row, c, normalized):  # type: ignore[no-untyped-def]
    if along_row:
        for i in range(len(values)):
            normalized[i] = values[i] * factor[i] + offset[i]
    else:
        scale, shift = factor[c], offset[c]
        for i in range(len(values)):
            normalized[i] = values[i] * scale + shift


@njit(cache=True, **_COMPILED)
def normalize(currents, factor, offset, along_row, first, last, normalized):  # type: ignore[no-untyped-def]
    """Write the normalized currents of samples first..last to `normalized`."""
    steps, _, channels, _ = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for c in range(channels):
                _normalize(currents[t, b, c], factor, offset, along_row, c, normalized[t, b, c])


@njit(cache=True, **_COMPILED)
def forward(  # type: ignore[no-untyped-def]
    currents, factor, offset, along_row, keep, least, width, pool, first, last, pooled, statistics
):
    """Write the pooled mean of the spikes of samples first..last to `pooled`, and add to `statistics` (double)."""
    given, _, channels, size = currents.shape
    steps, pooled_size = pooled.shape[0], pooled.shape[3]
    pooled_width = width // pool
    pooled_height = pooled_size // pooled_width
    left, spikes, normalized = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    share = np.float32(1) / np.float32(pool * pool)
    one, zero = np.float32(1), np.float32(0)
    for b in range(first, last):
        for c in range(channels):
            for i in range(size):
                left[i] = zero
            for t in range(steps):
                if t < given:
                    _normalize(currents[t, b, c], factor, offset, along_row, c, normalized)
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
                target = pooled[t, b, c]
                if pool == 1:
                    for i in range(size):
                        target[i] = spikes[i]
                elif pool == 2:
                    for y in range(pooled_height):
                        upper, lower = 2 * y * width, (2 * y + 1) * width
                        for x in range(pooled_width):
                            total = spikes[upper + 2 * x] + spikes[upper + 2 * x + 1]
                            total += spikes[lower + 2 * x] + spikes[lower + 2 * x + 1]
                            target[y * pooled_width + x] = total * share
                else:
                    for y in range(pooled_height):
                        for x in range(pooled_width):
                            total = zero
                            for i in range(pool):
                                for j in range(pool):
                                    total += spikes[(y * pool + i) * width + x * pool + j]
                            target[y * pooled_width + x] = total * share


@njit(inline="always")
def _spread(source, share, width, pool, arriving):  # type: ignore[no-untyped-def]
    """Give every neuron of a window the window's value times `share`, and neurons outside all windows zero."""
    zero = np.float32(0)
    if pool == 1:
        for i in range(len(arriving)):
            arriving[i] = source[i]
        return
    pooled_width = width // pool
    pooled_height = len(source) // pooled_width
    if pooled_width * pool != width or pooled_height * pool * width != len(arriving):
        for i in range(len(arriving)):
            arriving[i] = zero
    for y in range(pooled_height):
        if pool == 2:
            upper, lower = 2 * y * width, (2 * y + 1) * width
            for x in range(pooled_width):
                value = source[y * pooled_width + x] * share
                arriving[upper + 2 * x] = value
                arriving[upper + 2 * x + 1] = value
                arriving[lower + 2 * x] = value
                arriving[lower + 2 * x + 1] = value
        else:
            for i in range(pool):
                row = (y * pool + i) * width
                for x in range(pooled_width):
                    value = source[y * pooled_width + x] * share
                    for j in range(pool):
                        arriving[row + x * pool + j] = value


@njit(inline="always")
def _add_products(gradients, values, along_row, c, sums, products):  # type: ignore[no-untyped-def]
    if along_row:
        for i in range(len(gradients)):
            sums[i] += np.float64(gradients[i])
            products[i] += np.float64(gradients[i] * values[i])
    else:
        total, product = np.float32(0), np.float32(0)
        for i in range(len(gradients)):
            total += gradients[i]
            product += gradients[i] * values[i]
        sums[c] += np.float64(total)
        products[c] += np.float64(product)


@njit(cache=True, **_COMPILED)
def products(gradients, currents, along_row, first, last, sums, products):  # type: ignore[no-untyped-def]
    """Add each channel's sum of `gradients` of samples first..last to `sums`, and times `currents` to `products`."""
    steps, _, channels, _ = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for c in range(channels):
                _add_products(gradients[t, b, c], currents[t, b, c], along_row, c, sums, products)


@njit(**_COMPILED)  # a function of its own: inside the large one its loop would not become vector code
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
    compiled_slope = njit(inline="always", fastmath=_MATH, error_model="numpy")(slope)

    # Not cached on disk: numba cannot recognise a kernel that was made around a function.
    @njit(**_COMPILED)
    def backward(  # type: ignore[no-untyped-def]
        currents, factor, offset, along_row, keep, threshold, least, width, pool, sharpness, first, last,
        by_pooled, by_potential, by_error, by_square, by_spike, by_normalized, sums, products,
    ):  # fmt: skip
        """Write the gradient with respect to the normalized currents of samples first..last to `by_normalized`.

        Adds each channel's sum of it to `sums`, and of it times the raw currents to `products` (double).
        """
        given, _, channels, size = currents.shape
        steps = by_pooled.shape[0]
        potentials = np.empty((steps, size), np.float32)
        arriving, slopes, normalized = (
            np.empty(size, np.float32),
            np.empty(size, np.float32),
            np.empty(size, np.float32),
        )
        later, total = np.empty(size, np.float32), np.empty(size, np.float32)
        share = np.float32(1) / np.float32(pool * pool)
        zero = np.float32(0)
        for b in range(first, last):
            for c in range(channels):
                for i in range(size):
                    later[i] = zero
                for t in range(steps):
                    if t < given:
                        _normalize(currents[t, b, c], factor, offset, along_row, c, normalized)
                    row = potentials[t]
                    for i in range(size):
                        potential = keep * later[i] + normalized[i]
                        row[i] = potential
                        later[i] = zero if potential >= least else potential
                for i in range(size):
                    later[i] = zero
                    total[i] = zero
                for t in range(steps - 1, -1, -1):
                    _spread(by_pooled[t, b, c], share, width, pool, arriving)
                    row = potentials[t]
                    for i in range(size):
                        slopes[i] = compiled_slope(row[i] - threshold, threshold, sharpness)
                    _step_back(row, arriving, slopes, keep, least, by_potential, by_error, by_square, by_spike, later)
                    if given > 1:
                        target = by_normalized[t, b, c]
                        for i in range(size):
                            target[i] = later[i]
                        _add_products(later, currents[t, b, c], along_row, c, sums, products)
                    else:
                        for i in range(size):
                            total[i] += later[i]
                if given == 1:
                    target = by_normalized[0, b, c]
                    for i in range(size):
                        target[i] = total[i]
                    _add_products(total, currents[0, b, c], along_row, c, sums, products)

    return backward


@njit(cache=True, **_COMPILED)
def through_norm(currents, factor, by_mean, by_square, along_row, first, last, gradients):  # type: ignore[no-untyped-def]
    """Turn gradients with respect to normalized currents into those with respect to raw currents, in place.

    by_mean, by_square: per channel, what each raw current adds through the statistics: by_mean + by_square * current.
    """
    steps, _, channels, size = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for c in range(channels):
                values, target = currents[t, b, c], gradients[t, b, c]
                if along_row:
                    for i in range(size):
                        target[i] = target[i] * factor[i] + (by_mean[i] + by_square[i] * values[i])
                else:
                    scale, constant, slope = factor[c], by_mean[c], by_square[c]
                    for i in range(size):
                        target[i] = target[i] * scale + (constant + slope * values[i])
