"""expand_pooling: the same connection without source pooling, for targets that know only plain convolutions.

A window that sums k x k neurons before a kernel reads each tap from k x k neurons: the kernel's taps are
repeated k times in each direction, stride and padding grow k times. A dense connection repeats its columns.
"""

from dataclasses import replace

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair, pooled_shape, target_shape
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.support.user_error import UserError


def expand_pooling(connection: IntegerConnection, source_shape: tuple[int, ...]) -> IntegerConnection:
    """Return an equal connection whose pool is (1, 1); UserError where there is none (`pooling_expands`)."""
    if connection.pool == (1, 1):
        return connection
    if connection.weights.ndim == 2:
        return replace(connection, weights=_repeated_columns(connection, source_shape), pool=(1, 1))
    if not pooling_expands(connection, source_shape):
        raise UserError(
            f"connection {connection.name!r}: pooling {connection.pool} leaves a remainder of the source "
            f"{source_shape}, and the padding {connection.padding} reaches there; no plain convolution equals that. "
            "Allowed are pools that divide the source, or no padding."
        )
    kernel, dilation = connection.weights, list(connection.dilation)
    for axis, window in enumerate(connection.pool):
        if window > 1:
            kernel = _spread(kernel, 2 + axis, dilation[axis]).repeat(window, axis=2 + axis)
            dilation[axis] = 1
    return replace(
        connection,
        weights=kernel,
        stride=_product(connection.stride, connection.pool),
        padding=_product(connection.padding, connection.pool),
        dilation=(dilation[0], dilation[1]),
        pool=(1, 1),
    )


def pooling_expands(connection: IntegerConnection, source_shape: tuple[int, ...]) -> bool:
    """Whether a plain connection without pooling equals `connection`.

    It does unless a tap reads the place where pooling left a remainder of source neurons out: the pooled map
    ends there, with zeros as padding, and a plain kernel would read those neurons.
    """
    if connection.pool == (1, 1) or connection.weights.ndim == 2:
        return True
    c = connection
    shape = target_shape(source_shape, c.weights.shape, c.stride, c.padding, c.dilation, c.pool)
    for axis, window in enumerate(c.pool):
        end, remainder = divmod(source_shape[1 + axis], window)
        taps = np.arange(c.weights.shape[2 + axis]) * c.dilation[axis] - c.padding[axis]
        read = np.arange(shape[1 + axis])[:, None] * c.stride[axis] + taps
        if remainder and (read == end).any():
            return False
    return True


def _repeated_columns(connection: IntegerConnection, source_shape: tuple[int, ...]) -> np.ndarray:
    channels, height, width = pooled_shape(source_shape, connection.pool)
    per_window = connection.weights.reshape(-1, channels, height, width)
    repeated = per_window.repeat(connection.pool[0], axis=2).repeat(connection.pool[1], axis=3)
    weights = np.zeros((len(per_window), *source_shape), connection.weights.dtype)
    weights[:, :, : repeated.shape[2], : repeated.shape[3]] = repeated
    return weights.reshape(len(per_window), -1)


def _spread(kernel: np.ndarray, axis: int, dilation: int) -> np.ndarray:
    """Return the kernel with dilation 1 along `axis`: zeros stand between its taps."""
    shape = list(kernel.shape)
    shape[axis] = dilation * (shape[axis] - 1) + 1
    spread = np.zeros(shape, kernel.dtype)
    np.moveaxis(spread, axis, 0)[::dilation] = np.moveaxis(kernel, axis, 0)
    return spread


def _product(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0], a[1] * b[1]
