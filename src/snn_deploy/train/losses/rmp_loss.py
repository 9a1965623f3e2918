"""RMP-Loss: push membrane potentials toward the spike they become, so that firing loses less information.

Guo et al., "RMP-Loss: Regularizing Membrane Potential Distribution for Spiking Neural Networks", ICCV 2023.
Equation 8-10: q(u) = |o - u|^p, averaged over steps, layers, batch and neurons; equation 12: the weight
rises to k at half of the epochs and falls back to zero (here to `end`, which is 0 by default).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le
from torch import Tensor

from snn_deploy.train.networks.recording import (
    HiddenLayer,
    LayerRecord,
    Recording,
    mean_over_neurons,
    quantization_error,
)


@dataclass(frozen=True)
class Loss:
    """weight: k in the paper, the largest weight. exponent: p in the paper, 1 or 2.

    end: the weight of the last epoch as a share of `weight`; 0 in the paper.

    Off unless a config names it: it saves 2 to 16 % of the synaptic operations, and rounding changes as many decisions
    as without it, on the three networks of docs/bias_free_training.md ("Regularizers after rounding").
    """

    classifies = False

    weight: Annotated[float, Gt(0)] = 0.1
    exponent: Annotated[float, Ge(1)] = 2.0
    end: Annotated[float, Ge(0), Le(1)] = 0.0

    @property
    def least_epochs(self) -> int:
        """Epochs without which the weight would never be above 0."""
        return 1 if self.end else 2

    @property
    def needs_potentials(self) -> bool:
        """Whether the means that every pass leaves are not enough."""
        return self.exponent not in (1.0, 2.0)

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight(epoch) * mean of |spike - potential|^exponent over everything; labels are not used.

        The spike is a constant in the gradient: the potential moves toward it, not it toward the potential.
        """
        errors = [self._mean(layer) for layer in recording.layers]
        return self.weight_in(recording.epoch, recording.epochs) * mean_over_neurons(recording.layers, errors)

    def constrained(self, layers: Iterable[HiddenLayer]) -> list[HiddenLayer]:
        """Return those of the hidden layers that this term acts on: all of them."""
        return list(layers)

    def weight_in(self, epoch: int, epochs: int) -> float:
        """Return lambda(n) of equation 12: 2kn/N up to half of the epochs, 2k(1 - n/N) after it.

        With `end` the second half falls to k * end instead.
        """
        share = epoch / epochs
        if share <= 0.5:
            return 2 * self.weight * share
        return self.weight * (self.end + 2 * (1 - self.end) * (1 - share))

    def _mean(self, layer: LayerRecord) -> Tensor:
        if self.exponent == 2.0:
            return layer.mean_squared_error
        if self.exponent == 1.0:
            return layer.mean_error
        assert layer.potentials is not None and layer.spikes is not None  # needs_potentials asked for them
        return quantization_error(layer.spikes, layer.potentials, self.exponent).mean()
