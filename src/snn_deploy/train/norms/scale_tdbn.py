"""Norm `scale_tdbn`: tdBN without mean and shift, so that it folds into bias-free weights.

alpha * V_th * gain * x / sqrt(mean of x^2 + epsilon), with the mean over steps, batch and positions of a channel:
RMP-Loss Eq. 6-7 with the mean subtraction and beta left out (root mean square instead of deviation).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Lt
from torch import Tensor

from snn_deploy.network.float_network import ChannelNorm
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.moment_norm import MomentNorm


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


class ScaleNorm(MomentNorm):
    """Divides each channel by its root mean square."""

    def __init__(self, scale: float, momentum: float, epsilon: float, channels: int) -> None:
        super().__init__(momentum, channels)
        self.scale, self.epsilon = scale, epsilon

    def from_moments(self, mean: Tensor, mean_square: Tensor) -> tuple[Tensor, Tensor]:
        factor = self.gain * self.scale * torch.rsqrt(mean_square + self.epsilon)
        return factor, torch.zeros_like(factor)

    def channel_norm(self) -> ChannelNorm:
        gain = (self.gain * self.scale).detach().cpu().double().numpy()
        variance = self.mean_square.cpu().numpy().copy()
        return ChannelNorm(0 * gain, variance, gain, 0 * gain, epsilon=self.epsilon)
