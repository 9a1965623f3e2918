"""Norm `scale_tdbn`: tdBN without mean and shift, so that it folds into bias-free weights.

alpha * V_th * gain * x / sqrt(mean of x^2 + epsilon), with the mean over steps, batch and positions of a channel:
RMP-Loss Eq. 6-7 with the mean subtraction and beta left out (root mean square instead of deviation).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Lt
from torch import Tensor, nn

from snn_deploy.network.float_network import ChannelNorm
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule


@dataclass(frozen=True)
class Norm:
    """alpha: the target root mean square in thresholds. momentum: the weight of a new batch in the running one."""

    needs_bias: ClassVar[bool] = False
    alpha: Annotated[float, Gt(0)] = 1.0
    momentum: Annotated[float, Gt(0), Lt(1)] = 0.1
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return ScaleNorm(self.alpha * threshold, self.momentum, self.epsilon, channels)


class ScaleNorm(ChannelNormModule):
    """Divides each channel by its root mean square."""

    needs_moments = True
    mean_square: Tensor

    def __init__(self, scale: float, momentum: float, epsilon: float, channels: int) -> None:
        super().__init__()
        self.scale, self.momentum, self.epsilon = scale, momentum, epsilon
        self.gain = nn.Parameter(torch.ones(channels))
        self.register_buffer("mean_square", torch.ones(channels))

    def from_moments(self, mean: Tensor, mean_square: Tensor) -> tuple[Tensor, Tensor]:
        factor = self.gain * self.scale * torch.rsqrt(mean_square + self.epsilon)
        return factor, torch.zeros_like(factor)

    def observe(self, mean: Tensor, mean_square: Tensor, count: int) -> None:
        self.mean_square.lerp_(mean_square.to(self.mean_square.dtype), self.momentum)

    def from_running_statistics(self) -> tuple[Tensor, Tensor]:
        return self.from_moments(self.mean_square, self.mean_square)

    def channel_norm(self) -> ChannelNorm:
        gain = (self.gain * self.scale).detach().double().numpy()
        variance = self.mean_square.double().numpy()
        return ChannelNorm(0 * gain, variance, gain, 0 * gain, epsilon=self.epsilon)
