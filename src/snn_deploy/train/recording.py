"""Recording: what one forward pass leaves for the losses and the metrics."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LayerRecord:
    """One spiking layer in one forward pass.

    potentials: (steps, batch, *shape), the membrane potentials BEFORE the reset, which the losses act on.
    spikes: the same shape, 0 or 1. threshold: in the unit of the potentials.
    is_inner_residual: a layer inside a residual block, which IM-Loss does not constrain (IM Sec. 4.2).
    """

    name: str
    potentials: Tensor
    spikes: Tensor
    threshold: float
    is_inner_residual: bool = False


@dataclass(frozen=True)
class Recording:
    """One forward pass: the spiking layers in order, and the output.

    output: (steps, batch, classes), the accumulated potentials of the output neurons (RMP Eq. 4).
    epoch, epochs: the epoch this pass belongs to, from 1, of how many; schedules depend on it.
    """

    layers: tuple[LayerRecord, ...]
    output: Tensor
    epoch: int = 1
    epochs: int = 1

    @property
    def logits(self) -> Tensor:
        """(batch, classes): the output potentials after the last step."""
        return self.output[-1]
