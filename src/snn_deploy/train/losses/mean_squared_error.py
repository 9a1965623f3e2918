"""Mean squared error of the values that are read from the output's potentials, one in every step that asks for one."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt
from torch import Tensor

from snn_deploy.train.networks.recording import Recording


@dataclass(frozen=True)
class Loss:
    """weight: the factor in front of this term."""

    classifies: ClassVar[bool] = True  # it is the run's one loss of the task
    reads_values: ClassVar[bool] = True
    needs_potentials: ClassVar[bool] = False

    weight: Annotated[float, Gt(0)] = 1.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * mean over all that is asked for of (potential - label)^2, a scalar.

        labels: (batch, steps, values), in the unit of the potentials, NaN where none is asked for.
        """
        asked = ~labels.isnan()
        potentials = recording.output.transpose(0, 1)
        return self.weight * (potentials[asked] - labels[asked]).square().mean()
