"""feedback_norm: what a layer brings to itself is scaled to a share of the threshold, channel by channel.

tdBN (Zheng et al., AAAI 2021) divides a current by its moments in the batch. Those of a recurrent current are known
when the sequence has run, and by then every spike in it depends on them. So the root mean square is computed
beforehand, from the weights w as they are and the share m of the steps in which each neuron spiked in the batches
before, as if spikes were independent: its square is (sum of w m)^2 + sum of w^2 m (1 - m). A gradient passes through
the weights, and none through m. What is left is a factor of the weights, which needs no bias, and the same in training
and in inference.
"""

import torch
from torch import Tensor, nn

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.moment_norm import weight_of_batch

_FIRST_RATE = 0.1  # a guess, before the first batch
_LEAST_RATE = 0.01  # a guess: through neurons that hardly spike, weights without bound would be wanted
_EPSILON = 1e-12  # where all weights are 0


class FeedbackNorm(ChannelNormModule):
    """scale: the root mean square, in the potentials' unit, times a learned gain, (channels,).

    momentum: the weight of a new batch in the running rates, (channels,) of a convolution, else (neurons,).
    """

    needs_inputs = True
    rates: Tensor
    batches: Tensor

    def __init__(self, scale: float, momentum: float, channels: int) -> None:
        super().__init__()
        self.scale, self.momentum = scale, momentum
        self.gain = nn.Parameter(torch.ones(channels))
        self.register_buffer("rates", torch.full((channels,), _FIRST_RATE, dtype=torch.float64))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def observe_inputs(self, means: Tensor) -> None:
        """Hear how often each neuron spiked, after a training batch has passed."""
        self.batches += 1
        self.rates.lerp_(means.to(self.rates), weight_of_batch(self.momentum, self.batches))

    def effective_weights(self, weights: Tensor, kept: Tensor | None = None) -> Tensor:
        rows = list(range(1, weights.ndim))
        rates = self.rates.clamp(min=_LEAST_RATE).to(weights.dtype).reshape(1, -1, *[1] * (weights.ndim - 2))
        mean = (weights * rates).sum(rows, keepdim=True)
        variance = (weights.square() * rates * (1 - rates)).sum(rows, keepdim=True)
        size = (mean.square() + variance + _EPSILON).sqrt()
        return weights * (self.gain.reshape(-1, *[1] * len(rows)) * self.scale / size)

    @torch.no_grad()
    def rescale(self, weights: Tensor, *, arriving: float, leaving: float) -> None:
        self.gain.mul_(leaving / arriving)
