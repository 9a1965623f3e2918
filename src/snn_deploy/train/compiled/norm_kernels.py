"""norm_kernels: a norm's moments, its factor and offset, and their gradients, compiled.

Arrays are float32, (steps, batch, parts, size), in one of two layouts. Planes (innermost = 0): a part is one channel,
whose neurons lie row by row. Channels innermost (innermost = their number): a part is one or more whole rows, and the
channels of a pixel lie side by side, as in torch's channels_last; a dense layer is one pixel whose channels are its
neurons. Factor, offset and all sums have one value per channel.
"""

from typing import Any

import numpy as np
from numba import njit

# Sums may be reordered (they become vector code); products and sums are not fused, as in the plain form.
MATH = {"reassoc", "nsz"}
COMPILED: dict[str, Any] = {"nogil": True, "fastmath": MATH, "error_model": "numpy"}
# Of a function with sums that another kernel calls: in line there, its machine code is the same whether numba has just
# compiled it or read it from its cache; else it is another copy, which adds in another order.
INLINED: dict[str, Any] = {**COMPILED, "forceinline": True}
IN_ORDER: dict[str, Any] = {"nogil": True, "error_model": "numpy"}  # as it is written


@njit(cache=True, **COMPILED)
def moments(currents, innermost, first, last, sums, squares):  # type: ignore[no-untyped-def]
    """Add each channel's sum and sum of squares over samples first..last to `sums` and `squares` (double)."""
    steps, _, parts, size = currents.shape
    totals = np.empty((2, innermost), np.float32)
    for t in range(steps):
        for b in range(first, last):
            for p in range(parts):
                values = currents[t, b, p]
                if innermost == size:
                    for i in range(size):
                        value = np.float64(values[i])
                        sums[i] += value
                        squares[i] += value * value
                elif innermost:
                    _add_by_channel(values, values, totals, sums, squares)
                else:
                    total, total_square = np.float32(0), np.float32(0)
                    for i in range(size):
                        total += values[i]
                        total_square += values[i] * values[i]
                    sums[p] += np.float64(total)
                    squares[p] += np.float64(total_square)


@njit(cache=True, **INLINED)  # a function of its own: inside a larger one its loops would not become vector code
def _add_by_channel(values, others, totals, sums, products):  # type: ignore[no-untyped-def]
    """Add each channel's sum of `values` to `sums`, and of values * others to `products`; channels innermost."""
    channels = len(sums)
    total, product = totals[0], totals[1]
    for i in range(channels):
        total[i] = np.float32(0)
        product[i] = np.float32(0)
    for start in range(0, len(values), channels):
        here, there = values[start : start + channels], others[start : start + channels]
        for i in range(channels):
            total[i] += here[i]
            product[i] += here[i] * there[i]
    for i in range(channels):
        sums[i] += np.float64(total[i])
        products[i] += np.float64(product[i])


@njit(cache=True, **COMPILED)
def normalize_part(values, factor, offset, innermost, part, normalized):  # type: ignore[no-untyped-def]
    """Write values * factor + offset of one part to `normalized`."""
    if innermost:
        for start in range(0, len(values), innermost):
            here, there = values[start : start + innermost], normalized[start : start + innermost]
            for i in range(innermost):
                there[i] = here[i] * factor[i] + offset[i]
    else:
        scale, shift = factor[part], offset[part]
        for i in range(len(values)):
            normalized[i] = values[i] * scale + shift


@njit(cache=True, **COMPILED)
def normalize(currents, factor, offset, innermost, first, last, normalized):  # type: ignore[no-untyped-def]
    """Write the normalized currents of samples first..last to `normalized`."""
    steps, _, parts, _ = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for p in range(parts):
                normalize_part(currents[t, b, p], factor, offset, innermost, p, normalized[t, b, p])


@njit(cache=True, **INLINED)
def add_products(gradients, values, innermost, part, totals, sums, products):  # type: ignore[no-untyped-def]
    """Add each channel's sum of one part's gradients to `sums`, and of gradients * values to `products` (double).

    totals: (2, innermost), for use inside.
    """
    if innermost:
        _add_by_channel(gradients, values, totals, sums, products)
    else:
        total, product = np.float32(0), np.float32(0)
        for i in range(len(gradients)):
            total += gradients[i]
            product += gradients[i] * values[i]
        sums[part] += np.float64(total)
        products[part] += np.float64(product)


@njit(cache=True, **COMPILED)
def products(gradients, currents, innermost, first, last, sums, products):  # type: ignore[no-untyped-def]
    """Add each channel's sum of `gradients` of samples first..last to `sums`, and times `currents` to `products`."""
    steps, _, parts, _ = currents.shape
    totals = np.empty((2, innermost), np.float32)
    for t in range(steps):
        for b in range(first, last):
            for p in range(parts):
                add_products(gradients[t, b, p], currents[t, b, p], innermost, p, totals, sums, products)


@njit(cache=True, **COMPILED)
def through_norm(currents, factor, by_mean, by_square, innermost, first, last, gradients):  # type: ignore[no-untyped-def]
    """Turn gradients with respect to normalized currents into those with respect to raw currents, in place.

    by_mean, by_square: per channel, what each raw current adds through the statistics: by_mean + by_square * current.
    """
    steps, _, parts, size = currents.shape
    for t in range(steps):
        for b in range(first, last):
            for p in range(parts):
                values, target = currents[t, b, p], gradients[t, b, p]
                if innermost:
                    for start in range(0, size, innermost):
                        here, there = values[start : start + innermost], target[start : start + innermost]
                        for i in range(innermost):
                            there[i] = there[i] * factor[i] + (by_mean[i] + by_square[i] * here[i])
                else:
                    scale, constant, slope = factor[p], by_mean[p], by_square[p]
                    for i in range(size):
                        target[i] = target[i] * scale + (constant + slope * values[i])
