"""Norm `threshold_standardization`: weight standardization whose scale is learned by the thresholds (TB Eq. 15-20).

W = gamma_0 * (W~ - mean) / sqrt(variance + epsilon) + beta, per output channel. Scaling a channel's weights and its
threshold together changes no spike, so gamma stays gamma_0, and what its gradient would do the threshold theta does:
dtheta = -theta / gamma * dgamma, dbeta = dbeta - beta / gamma * dgamma (Eq. 19-20). Thresholds do not appear
in time-based gradients (Eq. 16-17), so learning them does not scale those. Only for method "time-based".

As in weight_standardization, gamma and beta are counted in 1 / sqrt(fan-in).
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor, nn

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.weight_moments import weight_moments

_LEAST_SHARE = 0.01  # of the threshold it starts at; one at 0 would fire in every step


@dataclass(frozen=True)
class Norm:
    """scale: gamma_0; with 4 about a tenth of the neurons fire in a step. has_shift: whether beta is learned, or 0."""

    needs_bias: ClassVar[bool] = False
    learns_thresholds: ClassVar[bool] = True
    scale: Annotated[float, Gt(0)] = 4.0
    has_shift: bool = True
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return ThresholdStandardization(self, channels, threshold)


class ThresholdStandardization(ChannelNormModule):
    """threshold: of each channel, (channels,), learned from the gradient of the scale that it stands for."""

    def __init__(self, options: Norm, channels: int, threshold: float) -> None:
        super().__init__()
        self.options, self.least = options, threshold * _LEAST_SHARE
        self.threshold = nn.Parameter(torch.full((channels,), threshold))
        self.shift = nn.Parameter(torch.zeros(channels), requires_grad=options.has_shift)

    @property
    def thresholds(self) -> Tensor:
        """(channels,), what the neurons use."""
        return self.threshold.detach().clamp(min=self.least)

    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        fan_in = weights[0].numel()
        mean, variance = weight_moments(weights, kept)
        standard = (weights - mean) * torch.rsqrt(variance + self.options.epsilon)
        scaled: Tensor = _Scale.apply(standard, self.threshold, self.shift, self.options.scale)
        return scaled / math.sqrt(fan_in)


class _Scale(torch.autograd.Function):
    """gamma_0 * standard + beta, with the gradients of Eq. 19 and 20."""

    @staticmethod
    def forward(ctx: Any, standard: Tensor, threshold: Tensor, shift: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(standard, threshold, shift)
        ctx.scale = scale
        return scale * standard + shift.reshape(-1, *[1] * (standard.ndim - 1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        standard, threshold, shift = ctx.saved_tensors
        (by_weights,) = gradients
        rows = list(range(1, standard.ndim))
        by_scale, by_shift = (by_weights * standard).sum(rows), by_weights.sum(rows)
        by_threshold = -threshold / ctx.scale * by_scale
        return ctx.scale * by_weights, by_threshold, by_shift - shift / ctx.scale * by_scale, None
