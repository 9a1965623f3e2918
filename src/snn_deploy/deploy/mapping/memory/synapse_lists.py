"""synapse_lists: which lists of synapses a block of neurons has to store, and how often.

An input axon stands for one position of a map; its channels are atoms. Every atom of an axon has a list: the targets
in the block and their weights. Positions whose lists hold the same elements of the kernel share them: an axon adds a
base to all targets of its list. The base is a number of few bits, so that positions far apart need copies
(nengo-loihi: conv.py, `weight_key`). Positions of one pooling window share an axon, so pooling costs nothing.
"""

from collections import Counter
from functools import lru_cache

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection

Range = tuple[int, int]
Elements = tuple[int, ...]  # kernel rows, or kernel columns
AxisLists = tuple[tuple[Elements, int], ...]  # what each position along an axis meets, and its first target


def pixels_read(
    c: IntegerConnection, source: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...]
) -> tuple[Range, ...]:
    """Return per axis of the pooled source the range (first, behind the last) that the target block reads."""
    pooled = pooled_shape(source, c.pool)
    if c.weights.ndim == 2:
        return tuple((0, n) for n in pooled)
    per_group, group = len(c.weights) // c.groups, c.weights.shape[1]
    channels = (start[0] // per_group * group, ((stop[0] - 1) // per_group + 1) * group)
    spatial = [
        _read(
            start[i], stop[i], c.weights.shape[i + 1], c.stride[i - 1], c.padding[i - 1], c.dilation[i - 1], pooled[i]
        )
        for i in (1, 2)
    ]
    return (channels, *spatial)


def kernel_lists(
    c: IntegerConnection, source: tuple[int, ...], part: Slice, channels: int, bases: int
) -> dict[tuple[Elements, Elements], int]:
    """Return (kernel rows, kernel columns) of each list that differs -> how many copies of it the block stores.

    channels: how many neurons lie between the targets of neighbouring positions: the channels of the block where they
    are numbered last, 1 where they are numbered first. bases: how many bases an axon can have.
    """
    rows, columns = (lists_of_axis(c, source, part, i) for i in (1, 2))
    return _copies(rows, columns, part.shape[2] * channels, channels, bases)


def lists_of_axis(c: IntegerConnection, source: tuple[int, ...], part: Slice, axis: int) -> AxisLists:
    """Return the kernel rows (axis 1) or columns (axis 2) that source positions meet in the block, each once.

    With each comes its first target, counted from the block's first row or column.
    """
    return _lists_of_axis(*_axis(c, source, part, axis))


@lru_cache(maxsize=100_000)
def _copies(
    rows: AxisLists, columns: AxisLists, row: int, column: int, bases: int
) -> dict[tuple[Elements, Elements], int]:
    kinds = {(a, b, (row * y + column * x) // bases) for a, y in rows for b, x in columns}
    return dict(Counter((a, b) for a, b, _ in kinds))


def positions_met(c: IntegerConnection, source: tuple[int, ...], part: Slice, axis: int) -> tuple[int, ...]:
    """Return the rows (axis 1) or columns (axis 2) of the pooled source that have a synapse into the block."""
    return _met(*_axis(c, source, part, axis))


def _axis(
    c: IntegerConnection, source: tuple[int, ...], part: Slice, axis: int
) -> tuple[Range, int, int, int, int, int]:
    """Return the block's range, kernel, stride, padding, dilation and the source's length along rows or columns."""
    return (
        (part.start[axis], part.stop[axis]),
        c.weights.shape[axis + 1],
        c.stride[axis - 1],
        c.padding[axis - 1],
        c.dilation[axis - 1],
        pooled_shape(source, c.pool)[axis],
    )


@lru_cache(maxsize=100_000)
def _met(tile: Range, kernel: int, stride: int, padding: int, dilation: int, length: int) -> tuple[int, ...]:
    found = {target * stride - padding + k * dilation for target in range(*tile) for k in range(kernel)}
    return tuple(sorted(row for row in found if 0 <= row < length))


@lru_cache(maxsize=100_000)
def _lists_of_axis(tile: Range, kernel: int, stride: int, padding: int, dilation: int, length: int) -> AxisLists:
    """Return for each source row the kernel rows with which it meets the tile, and its first target in the tile."""
    found = set()
    for row in range(*_read(*tile, kernel, stride, padding, dilation, length)):
        met = {
            k: (row + padding - k * dilation) // stride - tile[0]
            for k in range(kernel)
            if (row + padding - k * dilation) % stride == 0
            and tile[0] <= (row + padding - k * dilation) // stride < tile[1]
        }
        if met:
            found.add((tuple(met), min(met.values())))
    return tuple(sorted(found))


def _read(first: int, behind: int, kernel: int, stride: int, padding: int, dilation: int, length: int) -> Range:
    low = max(0, first * stride - padding)
    high = min(length, (behind - 1) * stride - padding + (kernel - 1) * dilation + 1)
    return low, max(low, high)
