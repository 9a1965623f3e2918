"""IM-Loss: keep the mean membrane potential at the threshold, where a spike carries most information.

Guo et al., "IM-Loss: Information Maximization Loss for Spiking Neural Networks", NeurIPS 2022.
Equation 11: the mean over layers of (mean membrane potential - V_th)^2; equation 12: weight 2.
The output and the layers inside residual blocks are not constrained (Sec. 4.2, Appendix A.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from snn_deploy.train.networks.recording import HiddenLayer, LayerRecord, Recording
from snn_deploy.train.processes.across_processes import mean_over_processes


@dataclass(frozen=True)
class Loss:
    """weight: lambda in the paper, the factor in front of this term.

    per_channel: whether the mean of each channel (or neuron of a layer without channels) is constrained, not that of
    the layer. target: where the mean belongs, as a share of the threshold; 1 in the paper, 0 is the mean that centred
    weights aim at.

    Off unless a config names it: with a norm it gained no more than chance, in floats or after rounding, on the three
    networks of docs/bias_free_training.md ("Regularizers after rounding"). Without a norm it keeps deep networks alive,
    for each channel best.
    """

    classifies = False

    weight: Annotated[float, Gt(0)] = 2.0
    per_channel: bool = False
    target: Annotated[float, Ge(0)] = 1.0

    @property
    def needs_potentials(self) -> bool:
        """Whether the means that every pass leaves are not enough."""
        return self.per_channel

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * mean over constrained layers of (mean potential - target)^2, in squared potential units.

        labels are not used by this term.
        """
        layers = self.constrained(recording.layers)
        gaps = [(self._means(layer) - self.target * layer.threshold).square().mean() for layer in layers]
        return self.weight * torch.stack(gaps).mean()

    def constrained(self, layers: Iterable[HiddenLayer]) -> list[HiddenLayer]:
        """Return those of the hidden layers that this term acts on."""
        return [layer for layer in layers if not layer.is_inner_residual]

    def _means(self, layer: LayerRecord) -> Tensor:
        if not self.per_channel:
            return layer.mean_potential
        assert layer.potentials is not None  # needs_potentials asked for them
        return mean_over_processes(layer.potentials.transpose(0, 2).flatten(1).mean(1))
