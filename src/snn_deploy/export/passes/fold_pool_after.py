"""Pass: pooling between a convolution and its neurons becomes part of the convolution.

A window of w sums of a kernel's results, each a stride further, is one larger kernel in which those kernels overlap, at
w times the stride. It saves the neurons that pooling after the neurons would need.
"""

from dataclasses import replace

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.float_network import ChannelNorm, FloatConnection, FloatNetwork


def fold_pool_after(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network in which nothing is pooled after the weights; `network` itself is left unchanged."""
    return replace(network, connections=tuple(_fold(c) for c in network.connections))


def _fold(connection: FloatConnection) -> FloatConnection:
    c = connection
    if c.pool_after == (1, 1):
        return c
    area = c.pool_after[0] * c.pool_after[1]
    kernel = np.asarray(c.weights)
    for axis in range(2):
        kernel = _overlapped(kernel, 2 + axis, c.dilation[axis], c.stride[axis], c.pool_after[axis])
    norm = c.norm
    if c.pool_after_mode == "average":
        kernel = kernel / area
    elif norm is not None:  # it acts on each result before they are summed
        norm = ChannelNorm(norm.mean * area, norm.variance, norm.gain, norm.shift * area, norm.epsilon)
    stride: Pair = (c.stride[0] * c.pool_after[0], c.stride[1] * c.pool_after[1])
    return replace(
        c, weights=kernel, stride=stride, dilation=(1, 1), pool_after=(1, 1), pool_after_mode="average", norm=norm
    )


def _overlapped(kernel: np.ndarray, axis: int, dilation: int, stride: int, window: int) -> np.ndarray:
    """Return the sum of `window` kernels along `axis`, each `stride` further, with dilation 1."""
    shape = list(kernel.shape)
    reach = dilation * (shape[axis] - 1) + 1
    shape[axis] = reach + stride * (window - 1)
    larger = np.zeros(shape)
    for i in range(window):
        np.moveaxis(larger, axis, 0)[i * stride : i * stride + reach : dilation] += np.moveaxis(kernel, axis, 0)
    return larger
