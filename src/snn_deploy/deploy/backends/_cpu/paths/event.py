"""Path `event`: each value that is not zero adds its row of weights to the targets it reaches; zeros cost a look."""

from functools import cached_property

import numba
import numpy as np

from snn_deploy.deploy.backends._cpu.limits import SumBounds
from snn_deploy.network.connection_arithmetic import output_length
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.network.state_units import EXACT_IN_FLOAT32

_LARGEST_INT16 = 2**15 - 1


def why_not(connection: IntegerConnection, bounds: SumBounds) -> str | None:
    """Return None where the path is exact for this connection, else the reason in a few words."""
    if connection.groups > 1:
        return "grouped convolution"
    return "sums beyond 2^24" if bounds.largest_sum >= EXACT_IN_FLOAT32 else None


class Path:
    """A connection ready to add what values that are not zero bring."""

    def __init__(self, connection: IntegerConnection, weights: np.ndarray, bounds: SumBounds) -> None:
        self.connection, self.is_dense, self.given = connection, weights.ndim == 2, weights

    @cached_property
    def weights(self) -> np.ndarray:
        """(kernel height, kernel width, in, out), so that what a source value adds lies together.

        Made at the first use: few connections are ever sparse enough. A quarter of the bytes of float32, so that the
        weights of large layers stay in the cache.
        """
        shape = self.given.shape
        kernels = self.given.reshape(*shape[:2], *(shape[2:] or (1, 1)))
        # A copy: numba would compile everything again for an array that is read-only.
        return np.array(kernels.transpose(2, 3, 1, 0), self.connection.weights.dtype, order="C")

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of `values` uint8 or int32, (frames, height, width, in) or (frames, in), in float32."""
        c = self.connection
        x = np.ascontiguousarray(values[:, None, None] if self.is_dense else values)
        rows, columns, _, out = self.weights.shape
        height, width = (
            output_length(*axis)
            for axis in zip(x.shape[1:3], (rows, columns), c.stride, c.padding, c.dilation, strict=True)
        )
        sums = np.empty((len(x), height, width, out), np.float32)
        active = np.flatnonzero(x != 0)
        amounts = x.reshape(-1)[active].astype(np.int32)  # one type, so that one kernel is compiled for all
        ends = np.searchsorted(active, np.arange(1, len(x) + 1) * (x.size // max(len(x), 1)))
        room = np.empty(sums.shape[1:], np.int16), np.empty(sums.shape[1:], np.int32)
        geometry = (c.stride, c.padding, c.dilation)
        _scatter(x.shape[1:], active, amounts, ends, self.weights, self.largest, *geometry, *room, sums)
        return sums.reshape(len(x), -1) if self.is_dense else sums

    @cached_property
    def largest(self) -> int:
        """The size of the largest weight."""
        return int(np.abs(self.given.astype(np.int32)).max(initial=0))


def compile_scatter(connection: IntegerConnection) -> None:
    """Compile what the path of `connection` calls, where it is not on disk already."""
    c, nothing, no_map = connection, np.zeros(0, np.int64), (0, 0, 0)
    _scatter(
        (1, 1, 1),
        nothing,
        np.zeros(0, np.int32),
        nothing,
        np.zeros((1, 1, 0, 0), c.weights.dtype),
        0,
        c.stride,
        c.padding,
        c.dilation,
        np.zeros(no_map, np.int16),
        np.zeros(no_map, np.int32),
        np.zeros((0, *no_map), np.float32),
    )


@numba.njit(cache=True, nogil=True)
def _scatter(shape, active, amounts, ends, weights, largest, stride, padding, dilation, narrow, wide, sums):  # type: ignore[no-untyped-def]
    """Fill `sums`. active: the places of the values that are not zero, in frames of `shape`; amounts: those values;
    ends: where those of each frame end.

    A frame whose values are so few that no sum of them leaves 16 bits is added up in `narrow`, the others in `wide`:
    half as many bytes are twice as many sums in a register.
    """
    start = 0
    for f in range(len(sums)):
        places, values = active[start : ends[f]], amounts[start : ends[f]]
        start = ends[f]
        if _most_in_a_window(shape, places, values, weights, dilation) * largest <= _LARGEST_INT16:
            _add(shape, places, values, weights, stride, padding, dilation, narrow)
            _copy(narrow, sums[f])
        else:
            _add(shape, places, values, weights, stride, padding, dilation, wide)
            _copy(wide, sums[f])


@numba.njit(cache=True, nogil=True)
def _most_in_a_window(shape, places, values, weights, dilation):  # type: ignore[no-untyped-def]
    """Return the largest sum of `values` that one target may see."""
    height, width, channels = shape
    rows, columns = (weights.shape[0] - 1) * dilation[0] + 1, (weights.shape[1] - 1) * dilation[1] + 1
    at = np.zeros((height, width), np.int64)
    for k in range(len(places)):
        position = places[k] // channels % (height * width)
        at[position // width, position % width] += values[k]
    most = 0
    beside = np.zeros(height, np.int64)  # of each row, the values in the columns of a window
    for x in range(width):
        for y in range(height):
            beside[y] = 0
            for other in range(x, min(x + columns, width)):
                beside[y] += at[y, other]
        for y in range(height):
            total = 0
            for other in range(y, min(y + rows, height)):
                total += beside[other]
            most = max(most, total)
    return most


@numba.njit(cache=True, nogil=True)
def _copy(found, sums):  # type: ignore[no-untyped-def]
    """Copy the sums of a frame into floats; a loop, because what numba compiles for a slice takes longer to compile."""
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            for o in range(found.shape[2]):
                sums[y, x, o] = np.float32(found[y, x, o])


@numba.njit(cache=True, nogil=True)
def _add(shape, places, values, weights, stride, padding, dilation, target):  # type: ignore[no-untyped-def]
    """Fill `target`, (height, width, out), with the sums of one frame.

    Values of one position reach the same targets: four or two of them that are 1 are added at once, so that the sums
    are read and written once.
    """
    height, width, channels = shape
    rows, columns, _, out = weights.shape
    kind = target.dtype.type
    for y in range(target.shape[0]):
        for x in range(target.shape[1]):
            for o in range(out):
                target[y, x, o] = kind(0)
    first = 0
    while first < len(places):
        count = _count_together(places, values, first, channels)
        value = kind(values[first])
        a = places[first] % channels
        b, c, d = a, a, a
        if count > 1:
            b = places[first + 1] % channels
        if count > 2:
            c, d = places[first + 2] % channels, places[first + 3] % channels
        position = places[first] // channels % (height * width)
        y, x = position // width, position % width
        first += count
        for i in range(rows):
            row = y + padding[0] - i * dilation[0]
            if row < 0 or row % stride[0] or row // stride[0] >= target.shape[0]:
                continue
            for j in range(columns):
                column = x + padding[1] - j * dilation[1]
                if column < 0 or column % stride[1] or column // stride[1] >= target.shape[1]:
                    continue
                sums, w = target[row // stride[0], column // stride[1]], weights[i, j]
                if count == 4:
                    for o in range(out):
                        two, others = kind(kind(w[a, o]) + kind(w[b, o])), kind(kind(w[c, o]) + kind(w[d, o]))
                        sums[o] = kind(sums[o] + kind(two + others))
                elif count == 2:
                    for o in range(out):
                        sums[o] = kind(sums[o] + kind(kind(w[a, o]) + kind(w[b, o])))
                else:
                    for o in range(out):
                        sums[o] = kind(sums[o] + kind(value * kind(w[a, o])))


@numba.njit(cache=True, nogil=True)
def _count_together(places, values, first, channels):  # type: ignore[no-untyped-def]
    """Return how many values from `first` on are of one position and all 1: 4 or 2; else 1."""
    count = 0
    position = places[first] // channels
    while (
        count < 4
        and first + count < len(places)
        and places[first + count] // channels == position
        and values[first + count] == 1
    ):
        count += 1
    return 4 if count == 4 else (2 if count > 1 else 1)
