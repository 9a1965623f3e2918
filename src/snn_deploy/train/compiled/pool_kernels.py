"""pool_kernels: pooling over square windows without overlap, and its gradient, compiled.

One part of one sample at a time, laid out as in norm_kernels.py: planes, or whole rows with channels innermost.
"""

import numpy as np
from numba import njit

from snn_deploy.train.compiled.norm_kernels import COMPILED


@njit(cache=True, **COMPILED)
def pool_part(spikes, width, innermost, pool, share, pooled):  # type: ignore[no-untyped-def]
    """Write the sum of every whole window, times `share`, to `pooled`; a share of one by its area gives the mean."""
    zero = np.float32(0)
    channels = max(innermost, 1)
    pooled_width = width // pool
    pooled_height = len(pooled) // (pooled_width * channels)
    if pool == 1:
        for i in range(len(spikes)):
            pooled[i] = spikes[i]
    elif innermost:
        for y in range(pooled_height):
            for x in range(pooled_width):
                target = pooled[(y * pooled_width + x) * channels :][:channels]
                for i in range(pool):
                    for j in range(pool):
                        source = spikes[((y * pool + i) * width + x * pool + j) * channels :][:channels]
                        is_first, is_last = i + j == 0, i + j == 2 * (pool - 1)
                        for c in range(channels):
                            total = (zero if is_first else target[c]) + source[c]
                            target[c] = total * share if is_last else total
    elif pool == 2:
        for y in range(pooled_height):
            upper, lower = 2 * y * width, (2 * y + 1) * width
            for x in range(pooled_width):
                total = spikes[upper + 2 * x] + spikes[upper + 2 * x + 1]
                total += spikes[lower + 2 * x] + spikes[lower + 2 * x + 1]
                pooled[y * pooled_width + x] = total * share
    else:
        for y in range(pooled_height):
            for x in range(pooled_width):
                total = zero
                for i in range(pool):
                    for j in range(pool):
                        total += spikes[(y * pool + i) * width + x * pool + j]
                pooled[y * pooled_width + x] = total * share


@njit(cache=True, **COMPILED)
def spread_part(source, width, innermost, pool, share, arriving):  # type: ignore[no-untyped-def]
    """Give every neuron of a window its share of the window's value, and neurons outside all windows zero."""
    zero = np.float32(0)
    if pool == 1:
        for i in range(len(arriving)):
            arriving[i] = source[i]
        return
    channels = max(innermost, 1)
    pooled_width = width // pool
    pooled_height = len(source) // (pooled_width * channels)
    if pooled_width * pool != width or pooled_height * pool * width * channels != len(arriving):
        for i in range(len(arriving)):
            arriving[i] = zero
    for y in range(pooled_height):
        for i in range(pool):
            row = (y * pool + i) * width
            if innermost:
                for x in range(pooled_width):
                    values = source[(y * pooled_width + x) * channels :][:channels]
                    for j in range(pool):
                        target = arriving[(row + x * pool + j) * channels :][:channels]
                        for c in range(channels):
                            target[c] = values[c] * share
            elif pool == 2:
                for x in range(pooled_width):
                    value = source[y * pooled_width + x] * share
                    arriving[row + 2 * x] = value
                    arriving[row + 2 * x + 1] = value
            else:
                for x in range(pooled_width):
                    value = source[y * pooled_width + x] * share
                    for j in range(pool):
                        arriving[row + x * pool + j] = value
