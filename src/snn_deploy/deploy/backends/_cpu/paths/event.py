"""Path `event`: each value that is not zero adds its row of weights to the targets it reaches; zeros cost a look."""

from functools import cached_property

import numba
import numpy as np

from snn_deploy.deploy.backends._cpu.limits import SumBounds
from snn_deploy.network.connection_arithmetic import output_length
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.network.state_units import EXACT_IN_FLOAT32


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
        """(kernel height, kernel width, in, out) float32, so that what a source value adds lies together.

        Made at the first use: few connections are ever sparse enough.
        """
        shape = self.given.shape
        kernels = self.given.reshape(*shape[:2], *(shape[2:] or (1, 1)))
        return np.ascontiguousarray(kernels.transpose(2, 3, 1, 0), np.float32)

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of `values` uint8 or int32, (frames, height, width, in) or (frames, in), in float32."""
        c = self.connection
        x = values[:, None, None] if self.is_dense else values
        rows, columns, _, out = self.weights.shape
        height, width = (
            output_length(*axis)
            for axis in zip(x.shape[1:3], (rows, columns), c.stride, c.padding, c.dilation, strict=True)
        )
        sums = np.zeros((len(x), height, width, out), np.float32)
        _scatter(np.ascontiguousarray(x), self.weights, c.stride, c.padding, c.dilation, sums)
        return sums.reshape(len(x), -1) if self.is_dense else sums


def compile_scatter(connection: IntegerConnection, kind: type[np.integer]) -> None:
    """Compile what the path of `connection` calls for values of this kind, where it is not on disk already."""
    c, nothing = connection, (0, 1, 1, 0)
    _scatter(
        np.zeros(nothing, kind),
        np.zeros((1, 1, 0, 0), np.float32),
        c.stride,
        c.padding,
        c.dilation,
        np.zeros(nothing, np.float32),
    )


@numba.njit(cache=True, nogil=True)
def _scatter(values, weights, stride, padding, dilation, sums):  # type: ignore[no-untyped-def]
    frames, height, width, channels = values.shape
    rows, columns, _, out = weights.shape
    for f in range(frames):
        for y in range(height):
            for x in range(width):
                for c in range(channels):
                    value = values[f, y, x, c]
                    if value == 0:
                        continue
                    factor = np.float32(value)
                    for i in range(rows):
                        row = y + padding[0] - i * dilation[0]
                        if row < 0 or row % stride[0] or row // stride[0] >= sums.shape[1]:
                            continue
                        for j in range(columns):
                            column = x + padding[1] - j * dilation[1]
                            if column < 0 or column % stride[1] or column // stride[1] >= sums.shape[2]:
                                continue
                            target = sums[f, row // stride[0], column // stride[1]]
                            added = weights[i, j, c]
                            for o in range(out):
                                target[o] += factor * added[o]
