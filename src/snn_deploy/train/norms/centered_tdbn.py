"""Norm `centered_tdbn`: scale_tdbn on weights whose mean is subtracted per output channel. Bias-free.

Weights that sum to zero do for a bias-free layer what the mean subtraction of tdBN does: the common part of all
inputs cancels. It is the mean subtraction of weight standardization (TB Eq. 15) without a shift, and it folds
into plain weights. For a channel with a single weight there is nothing to centre, and it is left as it is.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt
from torch import Tensor

from snn_deploy.train.channel_norm_module import ChannelNormModule
from snn_deploy.train.norms.scale_tdbn import ScaleNorm


@dataclass(frozen=True)
class Norm:
    """alpha: the target root mean square in thresholds. momentum: the weight of a new batch in the running one."""

    alpha: Annotated[float, Gt(0)] = 1.0
    momentum: Annotated[float, Gt(0), Lt(1)] = 0.1
    epsilon: Annotated[float, Gt(0)] = 1e-5

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the module for `channels` output channels before neurons of `threshold`."""
        return _CenteredNorm(self.alpha * threshold, self.momentum, self.epsilon, channels)


class _CenteredNorm(ScaleNorm):
    def shaped(self, weights: Tensor) -> Tensor:
        if weights[0].numel() == 1:
            return weights
        return weights - weights.mean(dim=list(range(1, weights.ndim)), keepdim=True)
