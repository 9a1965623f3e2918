"""Surrogate `esg`: evolutionary surrogate gradients, broad in early epochs and sharp in late ones.

Guo et al., IM-Loss, NeurIPS 2022, Eq. 14-15 and Appendix A.2.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor

from snn_deploy.train.compiled.fast_tanh import fast_tanh


@dataclass(frozen=True)
class Surrogate:
    """smallest, largest: K_min and K_max in the paper."""

    smallest: Annotated[float, Gt(0)] = 1.0
    largest: Annotated[float, Gt(0)] = 10.0

    def sharpness(self, epoch: int, epochs: int) -> float:
        """Return K(i) of equation 15 with i = epoch - 1 (the paper counts from 0)."""
        power = 10 ** ((epoch - 1) / epochs)
        return ((power - 1) * self.largest + (10 - power) * self.smallest) / 9

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return K/2 * (1 - tanh(K (u - V_th))^2)."""
        slopes = 1 - torch.tanh(sharpness * (potentials - threshold)).square_()
        return slopes.mul_(sharpness / 2)


def slope(distance: np.float32, threshold: np.float32, sharpness: np.float32) -> np.float32:
    """Return the same for one neuron, for compilation; see compiled/lif_kernels.py."""
    tanh = fast_tanh(sharpness * distance)
    return (np.float32(1) - tanh * tanh) * (sharpness * np.float32(0.5))
