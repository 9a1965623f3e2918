"""amx_synapses: convolutions and dense layers on spikes, for CPUs whose AMX units multiply int8 and bfloat16.

AMX multiplies such numbers about eight times as fast as AVX-512 multiplies float32. Pooled spikes are whole numbers
of 1 / window area, so both formats hold them exactly.

Currents of a convolution: each weight becomes two int8 digits of its channel's largest, 15 bits and a sign; the two
convolutions are exact, and their sum differs from float32's by about 3e-5 of a current, a tenth of what a GPU's TF32
leaves. Gradients: those with respect to the currents, and the weights that they are multiplied with, are rounded to
bfloat16, and the sums are float32. They then differ by about 0.3 %, in random directions; the surrogate that they
went through is an approximation of far less precision. Dense layers compute their currents in float32.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair

LARGEST_AREA = 255  # of a pooling window: the spikes in it are counted in 8 bits
_STEP = 254  # low digits per high digit: half a high digit is 127 of them


@cache
def works_here() -> bool:
    """Whether this CPU has AMX and torch's int8 convolution (an undocumented operator) is exact on it."""
    has_amx: Callable[[], bool] | None = getattr(torch.cpu, "_is_amx_tile_supported", None)
    if has_amx is None or not has_amx():
        return False
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (2, 32, 6, 6), generator=generator).float()
    digits = torch.randint(-127, 128, (16, 32, 3, 3), generator=generator, dtype=torch.int8)
    digits[:, 0, 0, 0] = 127  # so that the weights are their own first digits
    geometry = ((1, 1), (1, 1), (1, 1), 1)
    try:
        found = _currents(values, digits.float(), 1.0, *geometry)
    except (AttributeError, RuntimeError, TypeError):
        # What another torch raises: no such operator, no kernel for this CPU, other arguments.
        return False
    return torch.equal(found, functional.conv2d(values, digits.float(), None, *geometry))


def conv2d(
    values: Tensor, weights: Tensor, area: int, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Tensor:
    """Return the convolution without bias, (batch, out, height, width); cross-correlation, as torch's.

    values: whole numbers of 1 / area, at most LARGEST_AREA of them; float32.
    """
    currents: Tensor = _Convolution.apply(values, weights, area, stride, padding, dilation, groups)
    return currents


def linear(values: Tensor, weights: Tensor) -> Tensor:
    """Return torch's linear without bias, (batch, out)."""
    currents: Tensor = _Linear.apply(values, weights)
    return currents


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor, area: int, *geometry: Any) -> Tensor:
        ctx.save_for_backward(values.bfloat16(), weights)
        ctx.geometry = geometry
        return _currents(values, weights, float(area), *geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, weights = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        by_values, by_weights, _ = torch.ops.aten.convolution_backward(
            gradients[0].bfloat16(), values, weights.bfloat16(), None,
            stride, padding, dilation, False, [0, 0], groups, [*ctx.needs_input_grad[:2], False],
        )  # fmt: skip
        return _float32(by_values), _float32(by_weights), None, None, None, None, None


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(values.bfloat16(), weights)
        return functional.linear(values, weights)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, weights = ctx.saved_tensors
        gradient = gradients[0].bfloat16()
        by_values = gradient @ weights.bfloat16() if ctx.needs_input_grad[0] else None
        by_weights = gradient.T @ values if ctx.needs_input_grad[1] else None
        return _float32(by_values), _float32(by_weights)


def _float32(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.float()


def _currents(
    values: Tensor, weights: Tensor, area: float, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Tensor:
    whole = (values * area).round_().to(torch.uint8).contiguous(memory_format=torch.channels_last)
    flat = weights.detach().contiguous().numpy().reshape(len(weights), -1)
    high, low = np.empty(flat.shape, np.int8), np.empty(flat.shape, np.int8)
    scales = np.empty(len(flat), np.float32)
    _split(flat, high, low, scales)
    zeros = torch.zeros(len(flat), dtype=torch.int32)
    geometry = [list(stride), list(padding), list(dilation), groups]
    total: Tensor | None = None
    for digits, scale in ((high, scales), (low, scales / np.float32(_STEP))):
        scale_of_channels = torch.from_numpy(scale)
        packed = torch.ops.onednn.qconv_prepack(
            torch.from_numpy(digits).reshape(weights.shape), scale_of_channels, 1 / area, 0, *geometry, whole.shape
        )
        part = torch.ops.onednn.qconv2d_pointwise(
            whole, 1 / area, 0, packed, scale_of_channels, zeros, None, *geometry, 1.0, 0, torch.float32, "none", [], ""
        )
        total = part if total is None else total.add_(part)
    assert total is not None
    return total.contiguous()


@njit(cache=True, error_model="numpy")
def _split(weights, high, low, scales):  # type: ignore[no-untyped-def]
    """Split each row into digits: weights = scales * (high + low / _STEP), to half a low digit."""
    for c in range(len(weights)):
        row = weights[c]
        largest, total = np.float32(0), np.float32(0)
        for i in range(len(row)):
            largest = max(largest, abs(row[i]))
            total += row[i]
        scale = largest / np.float32(127) if largest > 0 else np.float32(1)
        scales[c] = scale if np.isfinite(total) else np.float32(np.nan)  # digits cannot hold NaN
        per_scale = np.float32(1) / scale
        for i in range(len(row)):
            value = row[i] * per_scale
            first = np.rint(value)
            high[c, i] = np.int8(first)
            low[c, i] = np.int8(np.rint((value - first) * np.float32(_STEP)))
