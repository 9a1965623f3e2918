"""Spike train difference loss: the squared distance of filtered spike trains (TB Eq. 11), after van Rossum.

The filter is kappa(t) = alpha * exp(-alpha t). The target of the label's neuron is a spike in every `every`-th step,
that of all others is silence: dense and empty trains, for which earlier spikes and more spikes are the same (Sec. 4.2).
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
    """weight: lambda. alpha: of the filter, in 1 / steps. every: steps between two spikes of the label's target."""

    classifies: ClassVar[bool] = True
    needs_potentials: ClassVar[bool] = False
    counts_spikes: ClassVar[bool] = True

    weight: Annotated[float, Gt(0)] = 1.0
    alpha: Annotated[float, Gt(0)] = 0.5
    every: Annotated[int, Ge(1)] = 1

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * sum over classes and steps of the squared difference, the mean over the batch, a scalar."""
        spikes = torch.diff(recording.output, dim=0, prepend=torch.zeros_like(recording.output[:1]))
        label = one_hot(labels, spikes.shape[2]).to(spikes)
        keep = float(torch.exp(torch.tensor(-self.alpha)))
        filtered, total = torch.zeros_like(spikes[0]), spikes.new_zeros(())
        for t, sent in enumerate(spikes):
            target = label if t % self.every == 0 else torch.zeros_like(label)
            filtered = keep * filtered + self.alpha * (sent - target)
            total = total + filtered.square().sum(1).mean()
        return self.weight * total
