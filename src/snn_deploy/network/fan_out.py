"""fan_out: how many synapses each neuron of a connection's source has: the additions that one spike of it causes.

Synapses that end in the padding do not exist; synapses of weight zero do. A pooled source neuron has the synapses of
the window it belongs to, and none where the pooling leaves it out as a remainder.
"""

from typing import Protocol

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair, output_length


class Connection(Protocol):
    """A connection of any of the network types, with its weights or before it has any."""

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """(out, in / groups, height, width) of a convolution, (out, in) of a dense connection."""

    @property
    def stride(self) -> Pair:
        """Of a convolution, as in PyTorch."""

    @property
    def padding(self) -> Pair:
        """Of a convolution, as in PyTorch."""

    @property
    def dilation(self) -> Pair:
        """Of a convolution, as in PyTorch."""

    @property
    def groups(self) -> int:
        """Of a convolution, as in PyTorch."""

    @property
    def pool(self) -> Pair:
        """The window over which its source is summed."""


def fan_out(connection: Connection, source_shape: tuple[int, ...]) -> np.ndarray:
    """Return the number of synapses of each source neuron, int64 of shape `source_shape`."""
    fans = np.zeros(source_shape, np.int64)
    shape = connection.weights_shape
    channels = source_shape[0]
    if len(source_shape) == 1:
        fans[:] = shape[0]
        return fans
    height, width = (size // window for size, window in zip(source_shape[1:], connection.pool, strict=True))
    if len(shape) == 2:
        pooled = np.full((channels, height, width), shape[0], np.int64)
    else:
        rows = _synapses_per_position(height, shape[2], connection, axis=0)
        columns = _synapses_per_position(width, shape[3], connection, axis=1)
        targets_per_tap = shape[0] // connection.groups
        pooled = np.broadcast_to(np.outer(rows, columns) * targets_per_tap, (channels, height, width))
    spread = pooled.repeat(connection.pool[0], axis=1).repeat(connection.pool[1], axis=2)
    fans[:, : spread.shape[1], : spread.shape[2]] = spread
    return fans


def fan_out_of_weights(connection: Connection, is_there: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return how many of the synapses that `is_there` marks each value of `shape` has, int64 of that shape.

    is_there: of the connection's weights, true or false; all true are all synapses. shape: of what the weights see,
    the source after its pooling. None end in the padding.
    """
    if is_there.ndim == 2:
        return is_there.sum(axis=0, dtype=np.int64).reshape(shape)
    out, inputs, height, width = is_there.shape
    grouped = is_there.reshape(connection.groups, out // connection.groups, inputs, height, width)
    taps = grouped.sum(axis=1, dtype=np.int64).reshape(-1, height, width)  # of each input channel
    rows = _is_read(shape[1], height, connection, axis=0)
    columns = _is_read(shape[2], width, connection, axis=1)
    return np.einsum("yk,ckl,xl->cyx", rows, taps, columns, optimize=True)


def _is_read(length: int, kernel: int, connection: Connection, axis: int) -> np.ndarray:
    """Return whether an output reads each of `length` source positions through each tap, 0 or 1: (length, kernel)."""
    stride, padding, dilation = connection.stride[axis], connection.padding[axis], connection.dilation[axis]
    outputs = output_length(length, kernel, stride, padding, dilation)
    starts = np.arange(length)[:, None] + padding - np.arange(kernel) * dilation
    return ((starts >= 0) & (starts % stride == 0) & (starts // stride < outputs)).astype(np.int64)


def _synapses_per_position(length: int, kernel: int, connection: Connection, axis: int) -> np.ndarray:
    """Return how many (tap, output) pairs read each of `length` source positions along one axis."""
    stride, padding, dilation = connection.stride[axis], connection.padding[axis], connection.dilation[axis]
    outputs = output_length(length, kernel, stride, padding, dilation)
    read = (np.arange(outputs)[:, None] * stride + np.arange(kernel) * dilation - padding).ravel()
    return np.bincount(read[(read >= 0) & (read < length)], minlength=length)
