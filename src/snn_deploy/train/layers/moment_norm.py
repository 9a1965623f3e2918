"""moment_norm: what the norms share that divide by moments of the currents: the moments that inference uses.

In training they are a running mean over batches, corrected for its start (as in Adam, Kingma & Ba 2015), so that the
first batch counts in full. Before a network is evaluated they are measured anew (norm_statistics.py): then every
batch counts the same (precise batch norm, Wu & Johnson 2021, Sec. 3).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule


class MomentNorm(ChannelNormModule):
    """momentum: the weight of a new batch in the running moments. gain: (channels,), learned."""

    needs_moments = True
    moments: Tensor
    batches: Tensor

    def __init__(self, momentum: float, channels: int) -> None:
        super().__init__()
        self.momentum, self._is_measuring = momentum, False
        self.gain = nn.Parameter(torch.ones(channels))
        # (mean, mean square) by channel; of a network that has seen nothing the norm is a plain factor.
        self.register_buffer("moments", torch.stack([torch.zeros(channels), torch.ones(channels)]).double())
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    @property
    def has_moments(self) -> bool:
        """Whether it has seen a batch."""
        return bool(self.batches > 0)

    @property
    def mean(self) -> Tensor:
        """(channels,), float64: the mean of each channel's current over steps, samples and positions."""
        return self.moments[0]

    @property
    def mean_square(self) -> Tensor:
        """(channels,), float64: the mean of its square."""
        return self.moments[1]

    def observe(self, mean: Tensor, mean_square: Tensor) -> None:
        weight = self.weight_of_next()
        self.batches += 1
        self.moments.lerp_(torch.stack([mean, mean_square]).to(self.moments), weight)

    def weight_of_next(self) -> Tensor:
        """Return the weight of the next batch in the running moments."""
        count = self.batches + 1
        return 1 / count.double() if self._is_measuring else weight_of_batch(self.momentum, count)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Forget the moments; those of the batches that pass in here count equally."""
        self.batches.zero_()
        self._is_measuring = True
        try:
            yield
        finally:
            self._is_measuring = False

    @torch.no_grad()
    def rescale(self, weights: Tensor, *, arriving: float, leaving: float) -> None:
        factor, offset = self.from_running_statistics()
        self.moments *= self.moments.new_tensor([[arriving], [arriving**2]])
        self.infer_as(factor * (leaving / arriving), offset * leaving)

    @torch.no_grad()
    def infer_as(self, factor: Tensor, offset: Tensor) -> None:
        """Change what is learned so that with the moments as they are inference multiplies by `factor`, (channels,).

        offset: what is added, of a norm that adds something.
        """
        now, _ = self.from_running_statistics()
        # A gain of 0 stays: no other gives its factor.
        self.gain.mul_(torch.where(now == 0, 1.0, factor / now).to(self.gain.dtype))

    def from_running_statistics(self) -> tuple[Tensor, Tensor]:
        return self.from_moments(self.mean, self.mean_square)


def weight_of_batch(momentum: float, count: Tensor) -> Tensor:
    """Return the weight of the batch number `count`, from 1, in a running mean that is corrected for its start."""
    return momentum / (1 - (1 - momentum) ** count.double())
