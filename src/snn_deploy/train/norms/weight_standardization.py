"""Norm `weight_standardization`: each output channel's weights get mean 0 and deviation 1, then a scale and a shift.

TB Eq. 15: W = gamma * (W~ - mean) / sqrt(variance + epsilon) + beta, per output channel. It acts on the weights
alone, needs no statistics of the data and no bias, and folds into plain weights. Scale and shift are counted in
1 / sqrt(fan-in), so that a layer of any size starts with currents of about one.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor, nn

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.weight_moments import weight_moments


@dataclass(frozen=True)
class Norm:
    """scale: where gamma starts. has_shift: whether beta is learned, or stays 0."""

    needs_bias: ClassVar[bool] = False
    scale: Annotated[float, Gt(0)] = 1.0
    has_shift: bool = True
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return _WeightStandardization(self, channels)


class _WeightStandardization(ChannelNormModule):
    def __init__(self, options: Norm, channels: int) -> None:
        super().__init__()
        self.epsilon = options.epsilon
        self.gain = nn.Parameter(torch.full((channels,), options.scale))
        self.shift = nn.Parameter(torch.zeros(channels)) if options.has_shift else None

    @torch.no_grad()
    def rescale(self, weights: Tensor, *, arriving: float, leaving: float) -> None:
        if weights[0].numel() == 1:
            super().rescale(weights, arriving=arriving, leaving=leaving)
            return
        for learned in (self.gain, self.shift):
            if learned is not None:
                learned.mul_(leaving / arriving)

    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        fan_in = weights[0].numel()
        if fan_in == 1:
            return weights  # a single weight has no deviation
        per_channel = (-1, *[1] * (weights.ndim - 1))
        mean, variance = weight_moments(weights, kept)
        shaped = (weights - mean) * torch.rsqrt(variance + self.epsilon) * self.gain.reshape(per_channel)
        if self.shift is not None:
            shaped = shaped + self.shift.reshape(per_channel)
        return shaped / math.sqrt(fan_in)
