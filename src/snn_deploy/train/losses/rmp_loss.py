"""RMP-Loss: push membrane potentials toward the spike they become, so that firing loses less information.

Guo et al., "RMP-Loss: Regularizing Membrane Potential Distribution for Spiking Neural Networks", ICCV 2023.
Equation 8-10: q(u) = |o - u|^p, averaged over steps, layers, batch and neurons; equation 12: the weight
rises to k at half of the epochs and falls back to zero.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from snn_deploy.train.recording import Recording


@dataclass(frozen=True)
class Loss:
    """peak: k in the paper, the largest weight. exponent: p in the paper, 1 or 2."""

    classifies = False

    peak: Annotated[float, Gt(0)] = 0.1
    exponent: Annotated[float, Ge(1)] = 2.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight(epoch) * mean of |spike - potential|^exponent over everything; labels are not used.

        The spike is a constant in the gradient: the potential moves toward it, not it toward the potential.
        """
        weight = self.weight(recording.epoch, recording.epochs)
        elements = sum(layer.potentials.numel() for layer in recording.layers)
        total = torch.stack(
            [quantization_error(layer.spikes, layer.potentials, self.exponent).sum() for layer in recording.layers]
        ).sum()
        return weight * total / elements

    def weight(self, epoch: int, epochs: int) -> float:
        """Return lambda(n) of equation 12: 2kn/N up to half of the epochs, 2k(1 - n/N) after it."""
        share = epoch / epochs
        return 2 * self.peak * (share if share <= 0.5 else 1 - share)


def quantization_error(spikes: Tensor, potentials: Tensor, exponent: float = 2.0) -> Tensor:
    """Return q(u) = |o - u|^exponent (RMP Eq. 9), of the shape of `potentials`, in powers of potential units."""
    distance = spikes.detach() - potentials
    return distance.square() if exponent == 2.0 else distance.abs().pow(exponent)
