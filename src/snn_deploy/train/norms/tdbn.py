"""Norm `tdbn`: threshold-dependent batch normalization, with statistics over steps, batch and positions.

Zheng et al., AAAI 2021; RMP-Loss Eq. 6-7, Dspike Eq. 4-5: alpha * V_th * (x - mean) / sqrt(variance + epsilon),
then a learned gain and shift. Its mean and shift become a bias in every step, which a bias-free network has not:
the exporter says what can be done. The norms scale_tdbn and centered_tdbn need no bias.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Gt, Lt
from torch import Tensor, nn

from snn_deploy.network.float_network import ChannelNorm
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.moment_norm import MomentNorm


@dataclass(frozen=True)
class Norm:
    """alpha: the target deviation in thresholds. momentum: the weight of a new batch in the running statistics."""

    needs_bias: ClassVar[bool] = True
    alpha: Annotated[float, Gt(0)] = 1.0
    momentum: Annotated[float, Gt(0), Lt(1)] = 0.1
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return _Tdbn(self, channels, threshold)


class _Tdbn(MomentNorm):
    def __init__(self, options: Norm, channels: int, threshold: float) -> None:
        super().__init__(options.momentum, channels)
        self.options, self.scale = options, options.alpha * threshold
        self.shift = nn.Parameter(torch.zeros(channels))

    def from_moments(self, mean: Tensor, mean_square: Tensor) -> tuple[Tensor, Tensor]:
        variance = (mean_square - mean.square()).clamp(min=0.0)  # rounding may leave less
        factor = self.gain * self.scale * torch.rsqrt(variance + self.options.epsilon)
        return factor, self.shift - mean * factor

    @torch.no_grad()
    def infer_as(self, factor: Tensor, offset: Tensor) -> None:
        super().infer_as(factor, offset)
        self.shift.copy_(offset + self.mean * factor)

    def channel_norm(self) -> ChannelNorm:
        mean, mean_square = self.moments.cpu().numpy().copy()
        gain, shift = (t.detach().cpu().double().numpy() for t in (self.gain * self.scale, self.shift))
        variance = np.maximum(mean_square - mean**2, 0.0)  # rounding may leave less than 0
        return ChannelNorm(mean, variance, gain, shift, self.options.epsilon)
