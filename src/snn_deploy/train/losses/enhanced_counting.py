"""Enhanced counting loss: 2 lambda * sum of f(count, target), f(x, y) = x - y ln x, and 0 at x = 0 (TB Eq. 13-14).

The gradients on the times of a neuron's m spikes add up to 2 lambda (target - m), linear in m, where the counting loss
has m times as much (Eq. 12), too much positive gradient near convergence.
"""

from dataclasses import dataclass

from torch import Tensor

from snn_deploy.train.losses import counting
from snn_deploy.train.networks.recording import Recording


@dataclass(frozen=True)
class Loss(counting.Loss):
    """The options are those of the counting loss."""

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return 2 * weight * sum over classes of f(count, target), the mean over the batch, a scalar."""
        counts = recording.logits
        terms = counts - self.targets(counts, labels) * (counts + (counts == 0)).log()  # at 0 the slope is that at 1
        return 2 * self.weight * terms.sum(1).mean()
