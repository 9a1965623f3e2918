"""IM-Loss: keep the mean membrane potential at the threshold, where a spike carries most information.

Guo et al., "IM-Loss: Information Maximization Loss for Spiking Neural Networks", NeurIPS 2022.
Equation 11: the mean over layers of (mean membrane potential - V_th)^2; equation 12: weight 2.
The output and the layers inside residual blocks are not constrained (Sec. 4.2, Appendix A.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor

from snn_deploy.train.networks.recording import HiddenLayer, Recording


@dataclass(frozen=True)
class Loss:
    """weight: lambda in the paper, the factor in front of this term."""

    classifies = False
    needs_potentials = False

    weight: Annotated[float, Gt(0)] = 2.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * mean over constrained layers of (mean potential - threshold)^2, in squared potential units.

        labels are not used by this term.
        """
        gaps = torch.stack([layer.mean_potential - layer.threshold for layer in self.constrained(recording.layers)])
        return self.weight * gaps.square().mean()

    def constrained(self, layers: Iterable[HiddenLayer]) -> list[HiddenLayer]:
        """Return those of the hidden layers that this term acts on."""
        return [layer for layer in layers if not layer.is_inner_residual]
