"""ForwardOptions: how a forward pass of a network in training runs."""

from dataclasses import dataclass

import torch

from snn_deploy.rounding.limits import Limits
from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.compiled.lif_kernels import Slope
from snn_deploy.train.neurons.lif import Surrogate


@dataclass(frozen=True)
class Quantization:
    """limits: as the exporter gets them. scale, largest_value: of the inputs, as in Samples."""

    limits: Limits
    scale: float
    largest_value: int


@dataclass(frozen=True)
class ForwardOptions:
    """surrogate, sharpness: the gradient that stands in for a spike's; time-based networks have no use for them.

    slope: the surrogate's compilable form, or None for the plain path, which keeps every potential. epoch, epochs: for
    the schedules of the losses. quantization: what the weights are rounded to, or None for floats. synapses: what those
    of spikes are computed in. delay_width: of learned delays, in steps; 0 is whole.
    """

    surrogate: Surrogate
    sharpness: float
    slope: Slope | None = None
    epoch: int = 1
    epochs: int = 1
    quantization: Quantization | None = None
    synapses: Arithmetic = "float32"
    delay_width: float = 0.0

    def is_compiled_on(self, device: torch.device) -> bool:
        """Whether a pass on `device` takes the compiled path."""
        return self.slope is not None and device.type == "cpu"
