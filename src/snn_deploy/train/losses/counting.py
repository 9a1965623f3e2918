"""Counting loss: the squared difference of each output neuron's spike count from its target (TB Eq. 9).

Zhu et al., "Exploring Loss Functions for Time-based Training Strategy in Spiking Neural Networks", NeurIPS 2023.
A spike that came earlier counts as more of a spike: dL/dt = -dL/ds (Sec. 4.2), which the output's recording does.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn.functional import one_hot

from snn_deploy.train.networks.recording import Recording


@dataclass(frozen=True)
class Loss:
    """weight: lambda. label_spikes, other_spikes: the target count of the label's neuron, and of every other."""

    classifies: ClassVar[bool] = True
    needs_potentials: ClassVar[bool] = False
    counts_spikes: ClassVar[bool] = True

    weight: Annotated[float, Gt(0)] = 1.0
    label_spikes: Annotated[float, Gt(0)] = 4.0
    other_spikes: Annotated[float, Ge(0)] = 0.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * sum over classes of (count - target)^2, the mean over the batch, a scalar."""
        counts = recording.logits
        return self.weight * (counts - self.targets(counts, labels)).square().sum(1).mean()

    def targets(self, counts: Tensor, labels: Tensor) -> Tensor:
        """Return the target count of every output neuron, (batch, classes)."""
        is_label = one_hot(labels, counts.shape[1]).bool()
        return torch.where(is_label, self.label_spikes, self.other_spikes)
