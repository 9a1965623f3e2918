"""Path `int8`: oneDNN's int8 convolution and torch's int8 product, through torch; sums of whole numbers in int32.

The operators are not documented, and without VNNI pairs of products saturate at 16 bits, so what this CPU adds
exactly is found out before the first use.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.deploy.backends._cpu.limits import SumBounds
from snn_deploy.deploy.backends._cpu.paths._float import FloatPath
from snn_deploy.network.connection_arithmetic import Pair, target_shape
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.network.state_units import EXACT_IN_FLOAT32

_LARGEST_VALUES = (255, 127, 4, 1)  # tried in this order; two products of 127 * -128 still fit 16 bits
_SHAPES = ((1, 8, 3, 1), (3, 32, 3, 2), (32, 64, 3, 1), (64, 96, 1, 1))  # in, out, kernel, stride
_MISSING = (AttributeError, RuntimeError, NotImplementedError, TypeError)  # what a torch without the operators raises
_ONES_AND_ZEROS = 1.0, 0

Geometry = tuple[Pair, Pair, Pair, int]  # stride, padding, dilation, groups


def why_not(connection: IntegerConnection, bounds: SumBounds) -> str | None:
    """Return None where the path is exact for this connection on this CPU, else the reason in a few words."""
    if connection.weights.dtype != np.int8:
        return "weights of nine bits"
    if bounds.largest_sum >= EXACT_IN_FLOAT32:
        return "sums beyond 2^24"
    if problem := _wrong_shape(connection, bounds.source_shape):
        return problem
    largest = largest_exact_value()
    if bounds.largest_value > largest:
        return f"values up to {bounds.largest_value}; this CPU's int8 sums are exact up to {largest}"
    return None


def _wrong_shape(connection: IntegerConnection, source_shape: tuple[int, ...]) -> str | None:
    """Return what torch 2.14 computes wrongly, or crashes on, about this shape, as random shapes showed."""
    c = connection
    if c.weights.ndim == 2:
        return "a single input" if c.weights.shape[1] == 1 else None
    if c.groups > 1:
        return "grouped convolution"
    if max(c.stride) > 1 and max(c.dilation) > 1:
        return "both strided and dilated"  # some of them end the process
    _, _, width = target_shape(source_shape, c.weights.shape, c.stride, c.padding, c.dilation, (1, 1))
    if c.stride[1] > 1 and width == 1:
        return "strides to a single column"
    if any(p > d * (k - 1) for p, d, k in zip(c.padding, c.dilation, c.weights.shape[2:], strict=True)):
        return "sums of padding alone"
    return None


class Path:
    """A connection's weights, packed for the shapes of values that came.

    The operators are not documented, so each new shape is compared with float32 first, and takes float32 if it differs.
    """

    def __init__(self, connection: IntegerConnection, weights: np.ndarray, bounds: SumBounds) -> None:
        self.connection, self.bounds = connection, bounds
        self.weights = torch.tensor(weights, dtype=torch.int8)
        self.geometry: Geometry = (connection.stride, connection.padding, connection.dilation, connection.groups)
        self.packed: dict[tuple[int, ...], Tensor] = {}
        self.float32_for: dict[tuple[int, ...], FloatPath | None] = {}  # None: int8 is exact for this shape

    @property
    def note(self) -> str:
        """What people should know of it: nothing, or that some shapes took float32."""
        is_wrong = any(self.float32_for.values())
        return " in float32, as torch's int8 operator is wrong for this shape" if is_wrong else ""

    def deliver(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of `values` uint8, (frames, height, width, in) or (frames, in), channels last, in float32."""
        shape = values.shape
        if shape not in self.float32_for:
            self.float32_for[shape] = self._float32_where_wrong(shape)
        exact = self.float32_for[shape]
        return exact.deliver(values) if exact else self._sums(values)

    def _float32_where_wrong(self, shape: tuple[int, ...]) -> FloatPath | None:
        values = np.random.default_rng(0).integers(0, self.bounds.largest_value, shape, np.uint8, endpoint=True)
        values[0] = self.bounds.largest_value
        exact = FloatPath(self.connection, self.weights.numpy(), torch.float32)
        try:
            is_right = np.array_equal(self._sums(values), exact.deliver(values))
        except _MISSING:
            is_right = False
        return None if is_right else exact

    def _sums(self, values: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(values)
        if self.weights.ndim == 2:
            sums: np.ndarray = torch._int_mm(x, self.weights.T).float().numpy()
            return sums
        x = x.permute(0, 3, 1, 2)
        if values.shape not in self.packed:
            self.packed[values.shape] = _pack(self.weights, self.geometry, tuple(x.shape))
        found = _convolve(x, self.packed[values.shape], len(self.weights), self.geometry)
        return found.permute(0, 2, 3, 1).contiguous().numpy()


@cache
def largest_exact_value() -> int:
    """Return the largest value whose products this CPU's int8 operators add exactly; 0 where there are none."""
    try:
        return next((largest for largest in _LARGEST_VALUES if _is_exact(largest)), 0)
    except _MISSING:
        return 0


def _is_exact(largest: int) -> bool:
    generator = torch.Generator().manual_seed(0)
    for channels, out, kernel, stride in _SHAPES:
        geometry: Geometry = ((stride, stride), (kernel // 2, kernel // 2), (1, 1), 1)
        weights = _random(-128, 128, (out, channels, kernel, kernel), generator).to(torch.int8)
        weights[0], weights[1] = 127, -128
        values = _random(0, largest + 1, (2, channels, 6, 6), generator).to(torch.uint8)
        values[0, :, :3] = largest
        values = values.contiguous(memory_format=torch.channels_last)
        found = _convolve(values, _pack(weights, geometry, tuple(values.shape)), out, geometry)
        if not torch.equal(found, functional.conv2d(values.float(), weights.float(), None, *geometry)):
            return False
        flat, matrix = values.flatten(1), _random(-128, 128, (out, 36 * channels), generator).to(torch.int8)
        matrix[0], matrix[1] = 127, -128
        if not torch.equal(torch._int_mm(flat, matrix.T).float(), flat.float() @ matrix.float().T):
            return False
    return True


def _random(least: int, end: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(least, end, shape, generator=generator)


def _pack(weights: Tensor, geometry: Geometry, shape: tuple[int, ...]) -> Tensor:
    stride, padding, dilation, groups = geometry
    pack: Callable[..., Tensor] = torch.ops.onednn.qconv_prepack
    return pack(
        weights, torch.ones(len(weights)), *_ONES_AND_ZEROS, list(stride), list(padding), list(dilation), groups,
        list(shape),
    )  # fmt: skip


def _convolve(values: Tensor, packed: Tensor, out: int, geometry: Geometry) -> Tensor:
    stride, padding, dilation, groups = geometry
    scales, zeros = torch.ones(out), torch.zeros(out, dtype=torch.int32)
    convolve: Callable[..., Tensor] = torch.ops.onednn.qconv2d_pointwise
    return convolve(
        values, *_ONES_AND_ZEROS, packed, scales, zeros, None, list(stride), list(padding), list(dilation), groups,
        *_ONES_AND_ZEROS, torch.float32, "none", [], "",
    )  # fmt: skip
