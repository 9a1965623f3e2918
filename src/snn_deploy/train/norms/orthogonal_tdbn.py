"""Norm `orthogonal_tdbn`: tdBN's mean subtraction and shift done by weights alone. Bias-free.

The mean current of a channel is the product of its weights w and the mean inputs m. tdBN subtracts it, which takes a
bias. Here w becomes w - (w m) m / (m m), which is orthogonal to m, so that the mean current is zero; a part of m is
then added back, so that the mean is a learned shift: + shift * deviation * m / (m m). Deviation is that of the current
if the inputs were independent spikes, sqrt(sum of w^2 m (1 - m)), so the shift is counted in deviations, as tdBN's is.
Then each channel is divided by the deviation that it has, as in tdBN (RMP-Loss Eq. 6-7).

Where all means are equal, it is centered_tdbn with a shift. m is that of the batch in training, of each input channel
or, in dense layers, of each input, and its running mean in inference; no gradient passes through it. It folds into
plain weights. At the borders of a map, where padding is no input, the mean current is not zero. A channel with a single
weight is left as it is.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from snn_deploy.network.float_network import ChannelNorm
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.moment_norm import MomentNorm
from snn_deploy.train.norms import scale_tdbn

_LEAST_MEAN = 1e-6  # of an input; where all are silent the weights are centred
_LEAST_VARIANCE = 1e-3  # of an input


@dataclass(frozen=True)
class Norm(scale_tdbn.Norm):
    """The options are those of scale_tdbn, alpha the target deviation. has_shift: whether it is learned, or 0."""

    needs_spikes: ClassVar[bool] = True  # values above 1 have no such deviation

    has_shift: bool = True

    def build(self, channels: int, threshold: float) -> "OrthogonalNorm":
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return OrthogonalNorm(self, channels, threshold)


class OrthogonalNorm(MomentNorm):
    """shift: (channels,), in deviations."""

    needs_inputs = True
    input_means: Tensor

    def __init__(self, options: Norm, channels: int, threshold: float) -> None:
        super().__init__(options.momentum, channels)
        self.scale, self.epsilon = options.alpha * threshold, options.epsilon
        self.shift = nn.Parameter(torch.zeros(channels), requires_grad=options.has_shift)
        self._of_batch: Tensor | None = None

    def prepare_for(self, weights_shape: tuple[int, ...]) -> None:
        self.register_buffer("input_means", torch.ones(weights_shape[1], dtype=torch.float64))

    @torch.no_grad()
    def take_channels(self, other: ChannelNormModule, outputs: Tensor, inputs: Tensor) -> None:
        assert isinstance(other, OrthogonalNorm)
        own = {"gain": other.gain[outputs], "shift": other.shift[outputs], "moments": other.moments[:, outputs]}
        self.load_state_dict({**own, "batches": other.batches, "input_means": other.input_means[inputs]})

    def observe_inputs(self, means: Tensor) -> None:
        self.input_means.lerp_(means.to(self.input_means), self.weight_of_next())
        self._of_batch = means

    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        if weights[0].numel() == 1:
            return weights
        measured, self._of_batch = self.input_means if self._of_batch is None else self._of_batch, None
        flat = weights.flatten(1)
        means = (measured.to(flat) + _LEAST_MEAN).repeat_interleave(flat.shape[1] // len(measured))
        if kept is None:
            unit = means / means.dot(means)  # a current of 1 on mean inputs
        else:
            heard = means * kept.flatten(1)
            unit = heard / (heard @ means).clamp(min=_LEAST_MEAN**2)[:, None]
        orthogonal = flat - (flat @ means)[:, None] * unit
        variances = (means * (1 - means)).clamp(min=_LEAST_VARIANCE)
        deviations = (orthogonal.square() @ variances).sqrt()
        return (orthogonal + (self.shift * deviations)[:, None] * unit).reshape(weights.shape)

    def from_moments(self, mean: Tensor, mean_square: Tensor) -> tuple[Tensor, Tensor]:
        variance = (mean_square - mean.square()).clamp(min=0.0)  # rounding may leave less
        factor = self.gain * self.scale * torch.rsqrt(variance + self.epsilon)
        return factor, torch.zeros_like(factor)

    def channel_norm(self) -> ChannelNorm:
        mean, mean_square = self.moments.cpu().numpy().copy()
        gain = (self.gain * self.scale).detach().cpu().double().numpy()
        return ChannelNorm(0 * gain, np.maximum(mean_square - mean**2, 0.0), gain, 0 * gain, self.epsilon)
