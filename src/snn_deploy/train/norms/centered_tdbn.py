"""Norm `centered_tdbn`: scale_tdbn on weights whose mean is subtracted per output channel. Bias-free.

Weights that sum to zero do for a bias-free layer what the mean subtraction of tdBN does: the common part of all
inputs cancels. It is the mean subtraction of weight standardization (TB Eq. 15) without a shift, and it folds
into plain weights. For a channel with a single weight there is nothing to centre, and it is left as it is.
"""

from dataclasses import dataclass

from torch import Tensor

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.weight_moments import mean_weight, synapses_of
from snn_deploy.train.norms import scale_tdbn


@dataclass(frozen=True)
class Norm(scale_tdbn.Norm):
    """The options are those of scale_tdbn."""

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return _CenteredNorm(self.alpha * threshold, self.momentum, self.epsilon, channels)


class _CenteredNorm(scale_tdbn.ScaleNorm):
    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        if weights[0].numel() == 1:
            return weights
        mean = mean_weight(weights, kept)
        return weights - (mean if kept is None else mean * (synapses_of(kept) > 1))
