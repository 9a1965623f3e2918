"""Surrogate `triangle`: falls linearly from the threshold to zero at rest and at twice the threshold (Dspike Eq. 8)."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from torch import Tensor


@dataclass(frozen=True)
class Surrogate:
    """height: gamma in the paper, the slope at the threshold."""

    height: Annotated[float, Gt(0)] = 1.0

    def sharpness(self, epoch: int, epochs: int) -> float:
        """Return the height; this surrogate does not change."""
        return self.height

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return gamma * max(0, 1 - |u / V_th - 1|)."""
        return sharpness * (1 - (potentials / threshold - 1).abs()).clamp_min(0)


def slope(distance: np.float32, threshold: np.float32, sharpness: np.float32) -> np.float32:
    """Return the same for one neuron, for compilation; see compiled/lif_kernels.py."""
    return sharpness * max(np.float32(1) - abs(distance) / threshold, np.float32(0))
