"""Surrogate `adaptive_dspike`: Dspike whose temperature follows the finite-difference gradient of the first layer.

Li et al., "Differentiable Spike", NeurIPS 2021, Sec. 4.3 and 5.2: epsilon 0.1, the temperature starts at 1 and moves
by 0.2 to whichever neighbour's surrogate gradient has the highest cosine similarity with the finite difference, at
the start of an epoch. The listing of the paper's Algorithm 1 is missing from the text: its prose defines this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import Tensor

from snn_deploy.train.surrogates import dspike

slope = dspike.slope  # the form that is compiled; see compiled/lif_kernels.py


@dataclass(frozen=True)
class Surrogate:
    """temperature: where b starts. step: how far it moves at once. epsilon: of the finite difference.

    interval: epochs between two moves. weights: how many of the first layer's weights are probed, evenly spread
    (each costs two passes over one batch); the paper probes all.
    """

    temperature: Annotated[float, Gt(0)] = 1.0
    step: Annotated[float, Gt(0)] = 0.2
    epsilon: Annotated[float, Gt(0)] = 0.1
    interval: Annotated[int, Ge(1)] = 1
    weights: Annotated[int, Ge(1)] = 64

    def sharpness(self, epoch: int, epochs: int) -> float:
        """Return the temperature of the first epoch; later ones come from `adapted`."""
        return self.temperature

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return Dspike's gradient (Eq. 12) of temperature `sharpness`."""
        return dspike.Surrogate().gradient(potentials, threshold, sharpness)

    def adapted(self, epoch: int, present: float, best_of: Callable[[list[float]], float]) -> float:
        """Return the temperature of `epoch` (from 1), given that of the epoch before.

        best_of: which of some temperatures has the surrogate gradient nearest to the finite difference.
        """
        if (epoch - 1) % self.interval:
            return present
        lower = present - self.step
        return best_of([present, present + self.step, *([lower] if lower > 0 else [])])
