"""bfloat16_gradients: convolutions and dense layers that compute forward in float32 and their gradients in bfloat16.

A CPU with AMX multiplies bfloat16 numbers about eight times as fast as float32 ones. The currents, and so every spike
and every loss, stay float32. What is rounded are the derivatives by the currents and, for the derivative by the
spikes, the weights, each to 8 bits; pooled spikes are sums of a few halves of halves and stay exact. The sums are
float32. The derivatives then differ by about 0.3 % from those in float32, in random directions; the surrogate that
they went through is a guess of far less precision.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.connection_arithmetic import Pair


@cache
def is_fast_here() -> bool:
    """Whether this machine's CPU has AMX, without which bfloat16 is no faster than float32."""
    supported: Callable[[], bool] | None = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return supported is not None and supported()


def conv2d(values: Tensor, weights: Tensor, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Tensor:
    """Return torch's conv2d without bias, (batch, out, height, width)."""
    currents: Tensor = _Convolution.apply(values, weights, stride, padding, dilation, groups)
    return currents


def linear(values: Tensor, weights: Tensor) -> Tensor:
    """Return torch's linear without bias, (batch, out)."""
    currents: Tensor = _Linear.apply(values, weights)
    return currents


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor, *geometry: Any) -> Tensor:
        ctx.save_for_backward(values.bfloat16(), weights)
        ctx.geometry = geometry
        return functional.conv2d(values, weights, None, *geometry)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, weights = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        by_values, by_weights, _ = torch.ops.aten.convolution_backward(
            gradients[0].bfloat16(), values, weights.bfloat16(), None,
            stride, padding, dilation, False, [0, 0], groups, [*ctx.needs_input_grad[:2], False],
        )  # fmt: skip
        return _float32(by_values), _float32(by_weights), None, None, None, None


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
