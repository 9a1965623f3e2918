"""Cross entropy of the output potentials after the last step (RMP-Loss Sec. 3.1, below Eq. 4)."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import Tensor
from torch.nn.functional import cross_entropy

from snn_deploy.train.networks.recording import Recording


@dataclass(frozen=True)
class Loss:
    """weight: the factor in front of this term."""

    classifies = True  # a run needs exactly one loss that classifies
    needs_potentials = False

    weight: Annotated[float, Gt(0)] = 1.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * mean cross entropy, a scalar. labels: (batch,) class indices."""
        return self.weight * cross_entropy(recording.logits, labels)
