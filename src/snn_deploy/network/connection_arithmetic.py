"""What a connection computes, in plain numpy of any number type: sum pooling, convolution, dense product.

Both network types use it, so that floats before the export and integers after it mean the same sums.
Shapes are (..., channels, height, width) for maps and (..., features) for vectors; a dense connection
reads its source flattened in that order.
"""

import numpy as np

Pair = tuple[int, int]


def pooled_shape(shape: tuple[int, ...], pool: Pair) -> tuple[int, ...]:
    """Return the shape after pooling with windows of `pool` that do not overlap; a remainder is left out."""
    if pool == (1, 1):
        return shape
    channels, height, width = shape
    return channels, height // pool[0], width // pool[1]


def output_length(length: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return how many results a convolution has along one axis of `length` values; below 1: the kernel does not fit."""
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def target_shape(
    source_shape: tuple[int, ...],
    weights_shape: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    pool: Pair,
) -> tuple[int, ...]:
    """Return the shape of the currents that arrive: (out, height, width) of a convolution, (out,) of a dense one."""
    if len(weights_shape) == 2:
        return (weights_shape[0],)
    _, height, width = pooled_shape(source_shape, pool)
    return (
        weights_shape[0],
        output_length(height, weights_shape[2], stride[0], padding[0], dilation[0]),
        output_length(width, weights_shape[3], stride[1], padding[1], dilation[1]),
    )


def sum_pool(values: np.ndarray, pool: Pair) -> np.ndarray:
    """Return the sums over windows of `pool` that do not overlap: (..., channels, height, width) in and out."""
    if pool == (1, 1):
        return values
    height, width = (size // window for size, window in zip(values.shape[-2:], pool, strict=True))
    values = values[..., : height * pool[0], : width * pool[1]]
    windows = values.reshape(*values.shape[:-2], height, pool[0], width, pool[1])
    return windows.sum(axis=(-3, -1), dtype=values.dtype)


def transmit(
    values: np.ndarray,
    weights: np.ndarray,
    *,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    pool: Pair = (1, 1),
) -> np.ndarray:
    """Return the currents that `values` (batch, *source shape) cause through `weights`: (batch, *target shape).

    weights: (out, in / groups, kernel height, kernel width) or (out, in); the convolution is not flipped
    (cross-correlation, as in PyTorch). The source is sum-pooled first.
    """
    values = sum_pool(values, pool)
    if weights.ndim == 2:
        return values.reshape(len(values), -1) @ weights.T
    return _convolve(values, weights, stride, padding, dilation, groups)


def _convolve(
    values: np.ndarray, weights: np.ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> np.ndarray:
    out, _, kernel_height, kernel_width = weights.shape
    batch, channels, height, width = values.shape
    rows = output_length(height, kernel_height, stride[0], padding[0], dilation[0])
    columns = output_length(width, kernel_width, stride[1], padding[1], dilation[1])
    values = np.pad(values, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    values = values.reshape(batch, groups, channels // groups, *values.shape[-2:])
    kernels = weights.reshape(groups, out // groups, channels // groups, kernel_height, kernel_width)
    currents = np.zeros((batch, groups, out // groups, rows, columns), np.result_type(values, weights))
    for i in range(kernel_height):
        for j in range(kernel_width):
            top, left = i * dilation[0], j * dilation[1]
            seen = values[
                ...,
                top : top + (rows - 1) * stride[0] + 1 : stride[0],
                left : left + (columns - 1) * stride[1] + 1 : stride[1],
            ]
            currents += np.einsum("bgihw,goi->bgohw", seen, kernels[..., i, j], optimize=True)
    return currents.reshape(batch, out, rows, columns)
