"""Surrogate `dspike`: the derivative of a tanh that is stretched to run from 0 to 1 over the unit interval.

Li et al., "Differentiable Spike", NeurIPS 2021, Eq. 11-12. With temperature 3 it is the surrogate of RMP-Loss
(Eq. 5, from InfLoR-SNN). The papers centre it on V_th = 0.5; here it is centred on any threshold.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor

from snn_deploy.train.compiled.fast_tanh import fast_tanh


@dataclass(frozen=True)
class Surrogate:
    """temperature: b in the paper; small is flat, large is sharp."""

    temperature: Annotated[float, Gt(0)] = 3.0

    def sharpness(self, epoch: int, epochs: int) -> float:
        """Return the temperature; this surrogate does not change by itself."""
        return self.temperature

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return b / (2 tanh(b/2)) * (1 - tanh(b (u - V_th))^2) within half a unit of the threshold, else 0."""
        distance = potentials - threshold
        slopes = 1 - torch.tanh(sharpness * distance).square_()
        slopes *= sharpness / (2 * math.tanh(sharpness / 2))
        return slopes * (distance.abs() <= 0.5)


def slope(distance: np.float32, threshold: np.float32, sharpness: np.float32) -> np.float32:
    """Return the same for one neuron, for compilation; see compiled/lif_kernels.py."""
    tanh = fast_tanh(sharpness * distance)
    height = sharpness / (np.float32(2) * fast_tanh(sharpness * np.float32(0.5)))
    return (np.float32(1) - tanh * tanh) * height if abs(distance) <= np.float32(0.5) else np.float32(0)
