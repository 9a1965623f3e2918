"""TET: cross entropy of the output of every step, not only of their sum, so that a sample is known in early steps.

Deng et al., "Temporal Efficient Training of Spiking Neural Network via Gradient Re-weighting", ICLR 2022.
Sec. 4: L_TET = 1/T sum over t of CE(O(t), y); L_MSE = 1/T sum over t of MSE(O(t), phi), against outliers; and
L_TOTAL = (1 - lambda) L_TET + lambda L_MSE. O(t) is what arrives at the output neurons in step t, and inference takes
its mean over the steps. The output here is the sum over the steps, so O(t) is taken times T: then the mean over the
steps is what the cross entropy of the last step takes, and that loss is never above L_TET, as in the paper.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor
from torch.nn.functional import cross_entropy

from snn_deploy.train.networks.recording import Recording


@dataclass(frozen=True)
class Loss:
    """weight: the factor in front of this term. regularization: lambda. target: phi, which O(t) is drawn to.

    The released code takes lambda = 0.05 for CIFAR and 0.001 for ImageNet, and phi = 1.
    """

    classifies: ClassVar[bool] = True
    needs_potentials: ClassVar[bool] = False

    weight: Annotated[float, Gt(0)] = 1.0
    regularization: Annotated[float, Ge(0), Lt(1)] = 0.0
    target: float = 1.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * L_TOTAL, a scalar. labels: (batch,) class indices."""
        total = recording.output  # (steps, batch, classes), the sum up to each step
        steps = len(total)
        each = torch.diff(total, dim=0, prepend=torch.zeros_like(total[:1])) * steps
        classified = cross_entropy(each.flatten(0, 1), labels.repeat(steps))
        drawn = (each - self.target).square().mean()
        return self.weight * ((1 - self.regularization) * classified + self.regularization * drawn)
