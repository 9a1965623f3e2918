"""int8_synapses: convolutions and dense layers on spikes in int8, their gradients in bfloat16, for CPUs that have both.

AVX-512's VNNI multiplies int8 four times as fast as float32, and bfloat16 twice as fast; AMX, 16 and 8 times. Pooled
spikes are whole numbers of 1 / window area, so int8 holds their counts exactly, and bfloat16 too.

Currents: each weight becomes two int8 digits of its channel's largest, 15 bits and a sign; the two products are exact,
and their sum differs from float32's by about 3e-5 of a current, a tenth of what a GPU's TF32 leaves. Gradients in
bfloat16: those with respect to the currents, and the weights that they are multiplied with, are rounded, and the sums
are float32. They then differ by about 0.3 %, in random directions; the surrogate that they went through is an
approximation of far less precision.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.train.compiled.norm_kernels import COMPILED

LARGEST_VALUE = 255  # that meets a weight, in 8 bits
LARGEST_AREA = LARGEST_VALUE  # of a pooling window, whose spikes are counted
LARGEST_DIGIT = 127
LAYOUT = torch.channels_last  # of all that these functions take and return; they convert what lies otherwise
_FEWEST_ROWS = 128  # of a dense layer, below which splitting its weights takes longer than it saves (measured)
STEP = 254  # low digits per high digit: half a high digit is 127 of them
Digits = tuple[Tensor, Tensor]  # int8, in the weights' shape, and what one is worth, by output channel
_WITHOUT_SIGN, _INFINITE = np.int32(0x7FFFFFFF), np.int32(0x7F800000)  # bit patterns of float32; NaNs are larger still


@cache
def works_here() -> bool:
    """Whether torch's int8 convolution (an undocumented operator) is exact on this CPU: with AMX or VNNI it is."""
    # All sums are below 2^24, which float32 holds exactly: many spikes and one digit, one spike and both digits.
    return all(
        _is_exact(most, largest) for most, largest in ((LARGEST_VALUE, LARGEST_DIGIT), (1, LARGEST_DIGIT * STEP))
    )


def _is_exact(most: int, largest: int) -> bool:
    """Whether the sums of counts up to `most` times whole weights up to `largest` are what they should be."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, most + 1, (2, 32, 6, 6), generator=generator).float()
    weights = torch.randint(-largest, largest + 1, (16, 32, 3, 3), generator=generator).float()
    # Without VNNI pairs of products are added in 16 bits, where these saturate.
    values[:, :2], weights[0, :2] = most, largest
    weights[:, 0, 0, 0] = largest  # so that digits are worth whole numbers
    geometry = ((1, 1), (1, 1), (1, 1), 1)
    try:
        found = _currents(_counts(values, 1), _digits(weights, None), 1, *geometry)
    except (AttributeError, RuntimeError, TypeError):
        # What another torch raises: no such operator, no kernel for this CPU, other arguments.
        return False
    return torch.equal(found, functional.conv2d(values, weights, None, *geometry))


def conv2d(
    values: Tensor,
    weights: Tensor,
    area: int,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    *,
    narrow_gradients: bool,
) -> Tensor:
    """Return the convolution without bias, (batch, out, height, width); cross-correlation, as torch's.

    values: whole numbers of 1 / area, at most LARGEST_AREA of them; float32. narrow_gradients: in bfloat16.
    """
    geometry = (stride, padding, dilation, groups)
    currents: Tensor = _Convolution.apply(values, weights, area, None, narrow_gradients, *geometry)
    return currents


def whole_conv2d(
    values: Tensor,
    weights: Tensor,
    exponent: int,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    *,
    narrow_gradients: bool,
) -> Tensor:
    """Return the convolution as conv2d does, exactly; sums must be below 2^24.

    values: whole numbers up to LARGEST_VALUE. weights: whole numbers up to LARGEST_DIGIT, times 2^exponent.
    """
    geometry = (stride, padding, dilation, groups)
    currents: Tensor = _Convolution.apply(values, weights, 1, exponent, narrow_gradients, *geometry)
    return currents


def linear(values: Tensor, weights: Tensor, area: int, *, narrow_gradients: bool) -> Tensor:
    """Return torch's linear without bias, (batch, out); values as in conv2d."""
    if len(values) < _FEWEST_ROWS:
        return functional.linear(values, weights)
    currents: Tensor = _Linear.apply(values, weights, area, None, narrow_gradients)
    return currents


def whole_linear(values: Tensor, weights: Tensor, exponent: int, *, narrow_gradients: bool) -> Tensor:
    """Return torch's linear without bias, exactly; values, weights and sums as in whole_conv2d."""
    if len(values) < _FEWEST_ROWS:
        return functional.linear(values, weights)
    currents: Tensor = _Linear.apply(values, weights, 1, exponent, narrow_gradients)
    return currents


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        weights: Tensor,
        area: int,
        exponent: int | None,
        narrow_gradients: bool,
        *geometry: Any,
    ) -> Tensor:
        counts = _counts(values, area)
        ctx.save_for_backward(counts, weights)
        ctx.area, ctx.dtype, ctx.geometry = area, torch.bfloat16 if narrow_gradients else torch.float32, geometry
        return _currents(counts, _digits(weights, exponent), area, *geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        counts, weights = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        sides = zip(counts.shape[2:], weights.shape[2:], stride, padding, dilation, strict=True)
        # Where a tap meets nothing but padding, torch's bfloat16 kernel may leave its gradient unwritten.
        dtype = ctx.dtype if all(_meets_every_tap(*side) for side in sides) else torch.float32
        by_values, by_weights, _ = torch.ops.aten.convolution_backward(
            gradients[0].to(dtype), counts.to(dtype), weights.to(dtype, memory_format=LAYOUT), None,
            stride, padding, dilation, False, [0, 0], groups, [*ctx.needs_input_grad[:2], False],
        )  # fmt: skip
        return _float32(by_values), _by_weights(by_weights, ctx.area), *[None] * 7


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weights: Tensor, area: int, exponent: int | None, narrow_gradients: bool
    ) -> Tensor:
        counts = _counts(values, area)
        ctx.save_for_backward(counts, weights)
        ctx.area, ctx.dtype = area, torch.bfloat16 if narrow_gradients else torch.float32
        # A convolution whose pixels are the samples: torch's int8 linear takes far longer to pack its weights.
        pixels = counts.T[None, :, :, None]
        digits = _digits(weights[:, :, None, None], exponent)
        currents = _currents(pixels, digits, area, (1, 1), (0, 0), (1, 1), 1)
        return currents[0, :, :, 0].T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        counts, weights = ctx.saved_tensors
        gradient = gradients[0].to(ctx.dtype)
        by_values = gradient @ weights.to(ctx.dtype) if ctx.needs_input_grad[0] else None
        by_weights = gradient.T @ counts.to(ctx.dtype) if ctx.needs_input_grad[1] else None
        return _float32(by_values), _by_weights(by_weights, ctx.area), None, None, None


def _meets_every_tap(length: int, taps: int, stride: int, padding: int, dilation: int) -> bool:
    """Whether each of a kernel's taps meets an input somewhere, along one side of a map."""
    last = (length + 2 * padding - dilation * (taps - 1) - 1) // stride  # of the outputs
    starts = range(-padding, last * stride - padding + 1, stride)
    return all(any(0 <= start + tap * dilation < length for start in starts) for tap in range(taps))


def _by_weights(by_counts: Tensor | None, area: int) -> Tensor | None:
    if by_counts is None:
        return None
    # numpy asks for huge pages, and torch does not: half the time where a dense layer is large.
    result = torch.from_numpy(np.empty(by_counts.shape, np.float32)).copy_(by_counts)
    return result.div_(area) if area > 1 else result


def _float32(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.float()


def _counts(values: Tensor, area: int) -> Tensor:
    """Return the spikes that `values` are the means of, uint8."""
    counts = (values if area == 1 else torch.add(0.5, values, alpha=area)).to(torch.uint8)  # to() cuts off: + 0.5
    return counts.contiguous(memory_format=LAYOUT) if counts.ndim == 4 else counts


def _currents(
    counts: Tensor, digits: list[Digits], area: int, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Tensor:
    zeros = torch.zeros(len(digits[0][0]), dtype=torch.int32)
    geometry = [list(stride), list(padding), list(dilation), groups]
    quantized = (1 / area, 0)  # the scale and the zero of the counts
    output = (1.0, 0, torch.float32)
    total: Tensor | None = None
    for digit, scale in digits:
        packed = torch.ops.onednn.qconv_prepack(digit, torch.ones(1), *quantized, *geometry, counts.shape)
        operands = (counts, *quantized, packed, scale, zeros)
        if total is None:
            total = torch.ops.onednn.qconv2d_pointwise(*operands, None, *geometry, *output, "none", [], "")
        else:
            total = torch.ops.onednn.qconv2d_pointwise.binary(
                *operands, total, None, *geometry, *output, 1.0, 0, "sum", 1.0, None, [], ""
            )
    assert total is not None
    return total


def _digits(weights: Tensor, exponent: int | None) -> list[Digits]:
    """Return the high and the low digits; one that is exact where the weights are whole numbers times 2^exponent."""
    if exponent is not None:
        worth = torch.full((len(weights),), 2.0**exponent)
        return [((weights.detach() * 2.0**-exponent).to(torch.int8), worth)]
    flat = weights.detach().contiguous().numpy().reshape(len(weights), -1)
    high, low = np.empty(flat.shape, np.int8), np.empty(flat.shape, np.int8)
    scales = np.empty(len(flat), np.float32)
    _split(flat, flat.view(np.int32), high, low, scales)
    return [
        (torch.from_numpy(high).reshape(weights.shape), torch.from_numpy(scales)),
        (torch.from_numpy(low).reshape(weights.shape), torch.from_numpy(scales / np.float32(STEP))),
    ]


@njit(cache=True, **COMPILED)
def _split(weights, bits, high, low, scales):  # type: ignore[no-untyped-def]
    """Split each row into digits: weights = scales * (high + low / STEP), to half a low digit.

    bits: the weights' bit patterns, whose order, the sign aside, is that of the sizes.
    """
    for c in range(len(weights)):
        largest_bits = _largest(bits[c])
        largest = np.array([largest_bits]).view(np.float32)[0]
        scale = largest / np.float32(LARGEST_DIGIT) if largest > 0 else np.float32(1)
        scales[c] = scale if largest_bits < _INFINITE else np.float32(np.nan)  # digits cannot hold NaN
        _split_row(weights[c], np.float32(1) / scale, high[c], low[c])


@njit(cache=True, **COMPILED)  # functions of their own, like the next: their loops become vector code
def _largest(bits):  # type: ignore[no-untyped-def]
    largest = np.int32(0)
    for i in range(len(bits)):
        largest = max(largest, bits[i] & _WITHOUT_SIGN)
    return largest


@njit(cache=True, **COMPILED)
def _split_row(row, per_scale, high, low):  # type: ignore[no-untyped-def]
    for i in range(len(row)):
        value = row[i] * per_scale
        first = np.rint(value)
        high[i] = np.int8(first)
        low[i] = np.int8(np.rint((value - first) * np.float32(STEP)))
