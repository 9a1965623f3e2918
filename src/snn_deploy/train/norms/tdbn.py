"""Norm `tdbn`: threshold-dependent batch normalization, with statistics over steps, batch and positions.

Zheng et al., AAAI 2021; RMP-Loss Eq. 6-7, Dspike Eq. 4-5: alpha * V_th * (x - mean) / sqrt(variance + epsilon),
then a learned gain and shift. Its mean and shift become a bias in every step, which a bias-free network has not:
the exporter says what can be done. The norms scale_tdbn and centered_tdbn need no bias.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from snn_deploy.train.float_network import ChannelNorm


@dataclass(frozen=True)
class Norm:
    """alpha: the target deviation in thresholds. momentum: the weight of a new batch in the running statistics."""

    alpha: Annotated[float, Gt(0)] = 1.0
    momentum: Annotated[float, Gt(0), Lt(1)] = 0.1
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> nn.Module:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return _Tdbn(self, channels, threshold)


class _Tdbn(nn.Module):
    mean: Tensor
    variance: Tensor

    def __init__(self, options: Norm, channels: int, threshold: float) -> None:
        super().__init__()
        self.options, self.scale = options, options.alpha * threshold
        self.gain = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def shaped(self, weights: Tensor) -> Tensor:
        """Return the weights that are really used."""
        return weights

    def forward(self, currents: Tensor) -> Tensor:
        options, gain = self.options, self.gain * self.scale
        return batch_norm(
            currents, self.mean, self.variance, gain, self.shift, self.training, options.momentum, options.epsilon
        )

    def channel_norm(self) -> ChannelNorm | None:
        """Return the norm with fixed statistics that inference uses."""
        mean, variance, gain, shift = (
            t.detach().double().numpy() for t in (self.mean, self.variance, self.gain * self.scale, self.shift)
        )
        return ChannelNorm(mean, variance, gain, shift, self.options.epsilon)
