"""Norm `scale_tdbn`: tdBN without mean and shift, so that it folds into bias-free weights.

alpha * V_th * gain * x / sqrt(mean of x^2 + epsilon), with the mean over steps, batch and positions of a channel:
RMP-Loss Eq. 6-7 with the mean subtraction and beta left out (root mean square instead of deviation).
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor, nn

from snn_deploy.train.float_network import ChannelNorm


@dataclass(frozen=True)
class Norm:
    """alpha: the target root mean square in thresholds. momentum: the weight of a new batch in the running one."""

    alpha: Annotated[float, Gt(0)] = 1.0
    momentum: Annotated[float, Gt(0), Lt(1)] = 0.1
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> nn.Module:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return ScaleNorm(self.alpha * threshold, self.momentum, self.epsilon, channels)


class ScaleNorm(nn.Module):
    """Divides each channel by its root mean square."""

    mean_square: Tensor

    def __init__(self, scale: float, momentum: float, epsilon: float, channels: int) -> None:
        super().__init__()
        self.scale, self.momentum, self.epsilon = scale, momentum, epsilon
        self.gain = nn.Parameter(torch.ones(channels))
        self.register_buffer("mean_square", torch.ones(channels))

    def shaped(self, weights: Tensor) -> Tensor:
        """Return the weights that are really used."""
        return weights

    def forward(self, currents: Tensor) -> Tensor:
        mean_square = self.mean_square
        if self.training:
            everything_else = [0, *range(2, currents.ndim)]
            mean_square = currents.square().mean(dim=everything_else)
            self.mean_square.lerp_(mean_square.detach(), self.momentum)
        factor = self.gain * self.scale * torch.rsqrt(mean_square + self.epsilon)
        return currents * factor.reshape(-1, *[1] * (currents.ndim - 2))

    def channel_norm(self) -> ChannelNorm | None:
        """Return the norm with fixed statistics that inference uses; its mean and shift are zero."""
        gain = (self.gain * self.scale).detach().double().numpy()
        variance = self.mean_square.double().numpy()
        return ChannelNorm(0 * gain, variance, gain, 0 * gain, epsilon=self.epsilon)
