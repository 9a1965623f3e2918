"""feedback_norm: what a layer brings to itself is scaled to a share of the threshold, channel by channel.

tdBN (Zheng et al., AAAI 2021) divides a current by its moments in the batch. Those of a recurrent current are known
when the sequence has run, and by then every spike in it depends on them. So the mean square that the batches before had
is used, in training as in inference, counted per sum of the channel's squared weights (for independent spikes and
weights around 0 that is the spike rate). Times that sum for the weights as they are it is the mean square to divide by:
it follows the weights at once, only what the spikes do lags behind. A gradient passes through the weights alone. What
is left is a factor of the weights, which needs no bias.
"""

import torch
from torch import Tensor, nn

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.moment_norm import weight_of_batch
from snn_deploy.train.processes.across_processes import mean_over_processes

_FIRST = 0.1  # a guess, before the first batch: the rate of a layer that fires in a tenth of the steps
_LEAST = 0.01  # a guess: a silent layer would ask for weights without bound, and the first spikes would meet them
_EPSILON = 1e-12  # where all weights are 0


class FeedbackNorm(ChannelNormModule):
    """scale: the root mean square, in the potentials' unit, times a learned gain, (channels,).

    momentum: the weight of a new batch in the running mean squares.
    """

    mean_square_per_weight: Tensor
    batches: Tensor

    def __init__(self, scale: float, momentum: float, channels: int) -> None:
        super().__init__()
        self.scale, self.momentum = scale, momentum
        self.gain = nn.Parameter(torch.ones(channels))
        self.register_buffer("mean_square_per_weight", torch.full((channels,), _FIRST, dtype=torch.float64))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def observe_feedback(self, currents: Tensor, weights: Tensor) -> None:
        """Hear what a training batch brought through `weights`, (batch, channels, ...), after it has run."""
        of_samples = currents.square().reshape(*currents.shape[:2], -1).mean(2)
        squares = of_samples.mean(0, dtype=torch.float64)
        found = mean_over_processes(squares) / _energy(weights).double().flatten().clamp(min=_EPSILON)
        self.batches += 1
        self.mean_square_per_weight.lerp_(found, weight_of_batch(self.momentum, self.batches))

    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        per_channel = (-1, *[1] * (weights.ndim - 1))
        per_weight = self.mean_square_per_weight.clamp(min=_LEAST).to(weights.dtype).reshape(per_channel)
        size = (per_weight * _energy(weights) + _EPSILON).sqrt()
        return weights * (self.gain.reshape(per_channel) * self.scale / size)

    @torch.no_grad()
    def rescale(self, weights: Tensor, *, arriving: float, leaving: float) -> None:
        self.gain.mul_(leaving / arriving)


def _energy(weights: Tensor) -> Tensor:
    """Return the sum of each output channel's squared weights, (channels, 1, ...)."""
    return weights.square().sum(list(range(1, weights.ndim)), keepdim=True)
