"""LIF: leaky integrate-and-fire neurons as a torch module, for networks that need no other framework.

    for frame in frames:            # (steps, batch, ...)
        outputs.append(module(frame))
    reset(module)                   # before the next batch

One call is one step; the module keeps the potentials between them. Gradients go through the surrogate and back in time.
"""

import torch
from torch import Tensor

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.neurons.lif import Neuron


class LIF(torch.nn.Module):
    """u = voltage_keep * u + x; a spike where u >= threshold (or >), which sets u to 0 (RMP-Loss Eq. 1-3).

    surrogate: the name of a surrogate gradient (train/surrogates/).
    """

    def __init__(
        self,
        voltage_keep: float = 0.25,
        threshold: float = 0.5,
        *,
        fires_at_threshold: bool = True,
        surrogate: str = "rectangle",
    ) -> None:
        super().__init__()
        self.neuron = Neuron(voltage_keep, threshold, fires_at_threshold)
        self.surrogate = load_plugin("train.surrogates", surrogate).Surrogate()
        self.left: Tensor | None = None

    def forward(self, currents: Tensor) -> Tensor:
        """Return the spikes of one step, 0. or 1., in the shape of `currents` (batch, ...)."""
        potentials = currents
        if self.left is not None:
            potentials = currents + self.neuron.voltage_keep * self.left
        sharpness = self.surrogate.sharpness(0, 1)
        spikes, potentials = self.neuron.run(potentials[None], self.surrogate, sharpness)
        self.left = (potentials * (1 - spikes))[0]
        return spikes[0]


def reset(module: torch.nn.Module) -> None:
    """Set the potentials of every LIF in `module` to rest."""
    for part in module.modules():
        if isinstance(part, LIF):
            part.left = None
