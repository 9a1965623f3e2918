"""Surrogate `tanh`: the derivative of a tanh of fixed width (IM-Loss Eq. 13); `esg` lets the width shrink."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import Tensor

from snn_deploy.train.surrogates import esg

slope = esg.slope  # the form that is compiled; see compiled/lif_kernels.py


@dataclass(frozen=True)
class Surrogate:
    """steepness: k in the paper."""

    steepness: Annotated[float, Gt(0)] = 1.0

    def sharpness(self, epoch: int, epochs: int) -> float:
        """Return the steepness; this surrogate does not change."""
        return self.steepness

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return k/2 * (1 - tanh(k (u - V_th))^2)."""
        return esg.Surrogate().gradient(potentials, threshold, sharpness)
