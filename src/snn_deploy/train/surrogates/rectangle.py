"""Surrogate `rectangle`: a constant within half a width of the threshold (Dspike Eq. 7, from STBP).

The bound is strict as printed. At V_th = 0.5 and width 1 a potential of exactly 0 (a neuron without input)
therefore gets no gradient: a layer that has died stays dead.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from torch import Tensor


@dataclass(frozen=True)
class Surrogate:
    """width: a in the paper."""

    width: Annotated[float, Gt(0)] = 1.0

    def sharpness(self, epoch: int, epochs: int) -> float:
        """Return 1 / width, the height; this surrogate does not change."""
        return 1 / self.width

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return 1/a where |u - V_th| < a/2, else 0."""
        return ((potentials - threshold).abs() < 0.5 / sharpness).to(potentials.dtype) * sharpness


def slope(distance: np.float32, threshold: np.float32, sharpness: np.float32) -> np.float32:
    """Return the same for one neuron, for compilation; see compiled/lif_kernels.py."""
    return sharpness if abs(distance) < np.float32(0.5) / sharpness else np.float32(0)
