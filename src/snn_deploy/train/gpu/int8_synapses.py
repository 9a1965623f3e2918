"""int8_synapses: convolutions and dense layers on spikes in int8, their gradients in bfloat16, for GPUs.

The arithmetic is that of compiled/int8_synapses.py, which says what it rounds: no spike, weights to 15 bits and a sign.
Tensor cores multiply int8 twice as fast as bfloat16 and four times as fast as TF32, which rounds weights to 10 bits.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.train.compiled.int8_synapses import LARGEST_DIGIT, LAYOUT, STEP
from snn_deploy.train.gpu import synapse_kernels
from snn_deploy.train.gpu.triton_language import UNFUSED, triton

_LARGEST_AREA = 127  # of a pooling window: tensor cores multiply signed counts
_LARGEST_SUM = 2**31 - 1
_CAPABILITY = (8, 0)  # the first with bfloat16 in tensor cores (CUDA C++ Programming Guide, table of arithmetic)
_SPLIT_BLOCK = 1024
# The tile of a program; a guess that was not measured: the largest whose two sums 8 warps hold in registers.
_PIXELS, _OUTPUTS, _INPUTS = 128, 64, 64


@cache
def works_on(device: torch.device) -> bool:
    """Whether the kernels are exact on `device`; without tensor cores for int8 and bfloat16 they are not tried."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < _CAPABILITY:
        return False
    generator = torch.Generator().manual_seed(0)
    counts = torch.randint(0, 128, (2, 40, 6, 6), generator=generator).float().to(device)
    weights = torch.randint(-127, 128, (16, 40, 3, 3), generator=generator).float().to(device)
    weights[:, 0, 0, 0] = 127  # so that digits are worth whole numbers
    found = conv2d(counts, weights, 1, (1, 1), (1, 1), (1, 1), 1, narrow_gradients=True)
    return torch.equal(found.double(), functional.conv2d(counts.double(), weights.double(), padding=1))


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
    """Return what int8_synapses.conv2d for CPUs does, by channels innermost.

    In float32 where int8 would not do: channels in groups, and windows or sums too large to be counted.
    """
    geometry = (stride, padding, dilation)
    if groups > 1 or not _is_countable(weights, area):
        return functional.conv2d(values, weights, None, *geometry, groups).contiguous(memory_format=LAYOUT)
    currents: Tensor = _Convolution.apply(values, weights, area, narrow_gradients, *geometry)
    return currents


def linear(values: Tensor, weights: Tensor, area: int, *, narrow_gradients: bool) -> Tensor:
    """Return torch's linear without bias, (batch, out); values as in conv2d."""
    if not _is_countable(weights, area):
        return functional.linear(values, weights)
    currents: Tensor = _Linear.apply(values, weights, area, narrow_gradients)
    return currents


def _is_countable(weights: Tensor, area: int) -> bool:
    """Whether int8 holds the counts, and int32 their sums."""
    return area <= _LARGEST_AREA and area * LARGEST_DIGIT * weights[0].numel() <= _LARGEST_SUM


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weights: Tensor, area: int, narrow_gradients: bool, *geometry: Pair
    ) -> Tensor:
        counts = _counts(values, area).contiguous(memory_format=LAYOUT)
        ctx.save_for_backward(counts, weights)
        ctx.area, ctx.dtype, ctx.geometry = area, torch.bfloat16 if narrow_gradients else torch.float32, geometry
        return _currents(counts, weights.detach(), area, *geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        counts, weights = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        by_values, by_weights, _ = torch.ops.aten.convolution_backward(
            gradients[0].to(ctx.dtype), counts.to(ctx.dtype), weights.to(ctx.dtype, memory_format=LAYOUT), None,
            stride, padding, dilation, False, [0, 0], 1, [*ctx.needs_input_grad[:2], False],
        )  # fmt: skip
        by_weights = None if by_weights is None else by_weights.float() / ctx.area
        return None if by_values is None else by_values.float(), by_weights, None, None, None, None, None


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor, area: int, narrow_gradients: bool) -> Tensor:
        counts = _counts(values, area).contiguous()
        ctx.save_for_backward(counts, weights)
        ctx.area, ctx.dtype = area, torch.bfloat16 if narrow_gradients else torch.float32
        taps = weights.detach()[:, :, None, None]  # a sample is an image of one pixel
        return _currents(counts[:, :, None, None], taps, area, (1, 1), (0, 0), (1, 1))[:, :, 0, 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        counts, weights = ctx.saved_tensors
        gradient = gradients[0].to(ctx.dtype)
        by_values = (gradient @ weights.to(ctx.dtype)).float() if ctx.needs_input_grad[0] else None
        by_weights = None
        if ctx.needs_input_grad[1]:
            by_weights = (gradient.T @ counts.to(ctx.dtype)).float() / ctx.area
        return by_values, by_weights, None, None


def _counts(values: Tensor, area: int) -> Tensor:
    """Return the spikes that `values` are the means of, int8."""
    scaled = values if area == 1 else torch.add(0.5, values, alpha=area)  # to() cuts off: + 0.5
    return scaled.to(torch.int8)


def _currents(counts: Tensor, weights: Tensor, area: int, stride: Pair, padding: Pair, dilation: Pair) -> Tensor:
    """Return the convolution of counts / area, (batch, out, rows, columns), channels innermost."""
    batch, inputs, height, width = counts.shape
    outputs, _, *kernel = weights.shape
    rows, columns = (
        (length + 2 * p - d * (k - 1) - 1) // s + 1
        for length, k, s, p, d in zip((height, width), kernel, stride, padding, dilation, strict=True)
    )
    taps = kernel[0] * kernel[1]
    digits = torch.empty(2, outputs, taps * inputs, dtype=torch.int8, device=weights.device)
    scales = torch.empty(outputs, dtype=torch.float32, device=weights.device)
    synapse_kernels.split[(outputs,)](
        weights.contiguous(), digits[0], digits[1], scales, inputs, taps, float(LARGEST_DIGIT), float(STEP),
        BLOCK=_SPLIT_BLOCK, **UNFUSED,
    )  # fmt: skip
    shape = (batch, outputs, rows, columns)
    currents = torch.empty(shape, dtype=torch.float32, device=weights.device, memory_format=LAYOUT)
    tile = _tile(outputs, inputs)
    pixels = batch * rows * columns
    grid = triton.cdiv(pixels, tile["PIXELS"]), triton.cdiv(outputs, tile["OUTPUTS"])
    synapse_kernels.convolve[grid](
        counts, digits[0], digits[1], scales, currents, 1 / STEP, float(area), pixels, inputs, outputs, height, width,
        rows, columns, kernel[1], taps, *stride, *padding, *dilation, **tile, num_warps=8, num_stages=3, **UNFUSED,
    )  # fmt: skip
    return currents


def _tile(outputs: int, inputs: int) -> dict[str, int]:
    """Return the tile of a program; tensor cores multiply 16 outputs and 32 inputs at least."""
    most_outputs = min(_OUTPUTS, max(16, int(triton.next_power_of_2(outputs))))
    most_inputs = min(_INPUTS, max(32, int(triton.next_power_of_2(inputs))))
    return {"PIXELS": _PIXELS, "OUTPUTS": most_outputs, "INPUTS": most_inputs}
