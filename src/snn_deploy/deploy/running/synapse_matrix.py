"""A connection as one matrix between the neurons of its source and its target, in Lava's order."""

from itertools import product

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.expand_pooling import expand_pooling
from snn_deploy.network.integer_network import IntegerConnection


def dense_matrix(connection: IntegerConnection, source_shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights of a dense connection, int32 (out, in); a map is read width first, channels last."""
    weights = expand_pooling(connection, source_shape).weights.astype(np.int32)
    per_source = weights.reshape(len(weights), *source_shape)
    return per_source.transpose(0, *range(len(source_shape), 0, -1)).reshape(len(weights), -1)


def convolution_matrix(connection: IntegerConnection, source_shape: tuple[int, ...]) -> csr_matrix:
    """Return the synapses of a convolution with its pooling, int32 (targets, sources), both width, height, channel."""
    c = connection
    target = target_shape(source_shape, c.weights.shape, c.stride, c.padding, c.dilation, c.pool)
    source_numbers = np.arange(np.prod(source_shape)).reshape(source_shape[::-1]).transpose()  # (channel, row, column)
    target_numbers = np.arange(np.prod(target)).reshape(target[::-1]).transpose()
    per_group = c.weights.shape[1]
    read = per_group * (np.arange(len(c.weights)) // (len(c.weights) // c.groups))[:, None] + np.arange(per_group)
    rows, columns, values = [], [], []
    for i, j, a, b in product(*map(range, (*c.weights.shape[2:], *c.pool))):
        y, from_y = _reads(i, a, 0, source_shape, target, c)
        x, from_x = _reads(j, b, 1, source_shape, target, c)
        shape = (*read.shape, len(y), len(x))  # (out, in / groups, rows, columns)
        rows.append(np.broadcast_to(target_numbers[:, y[:, None], x][:, None], shape).ravel())
        columns.append(source_numbers[:, from_y[:, None], from_x][read].ravel())
        values.append(np.broadcast_to(c.weights[:, :, i, j, None, None].astype(np.int32), shape).ravel())
    together = [np.concatenate(parts) for parts in (values, rows, columns)]
    synapses = together[0] != 0
    shape = (target_numbers.size, source_numbers.size)
    return coo_matrix((together[0][synapses], (together[1][synapses], together[2][synapses])), shape).tocsr()


def _reads(
    tap: int, offset: int, axis: int, source: tuple[int, ...], target: tuple[int, ...], c: IntegerConnection
) -> tuple[np.ndarray, np.ndarray]:
    """Return (target positions, the source positions that they read) of one tap and place in the pooling window."""
    positions = np.arange(target[1 + axis])
    pooled = positions * c.stride[axis] + tap * c.dilation[axis] - c.padding[axis]
    exists = (pooled >= 0) & (pooled < source[1 + axis] // c.pool[axis])
    return positions[exists], pooled[exists] * c.pool[axis] + offset
