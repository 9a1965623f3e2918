"""LIF: leaky integrate-and-fire neurons as a torch module, for networks that need no other framework.

    for frame in frames:            # (steps, batch, ...)
        outputs.append(module(frame))
    reset(module)                   # before the next batch

One call is one step; the module carries the potentials from call to call. Gradients go through the surrogate and back
in time.
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
        self.carried: Tensor | None = None

    def forward(self, currents: Tensor) -> Tensor:
        """Return the spikes of one step, 0. or 1., in the shape of `currents` (batch, ...)."""
        carried = torch.zeros_like(currents) if self.carried is None else self.carried
        sharpness = self.surrogate.sharpness(0, 1)
        spikes, _, self.carried = self.neuron.step(currents, carried, self.surrogate, sharpness)
        return spikes


def reset(module: torch.nn.Module) -> None:
    """Set the potentials of every LIF in `module` to rest."""
    for part in module.modules():
        if isinstance(part, LIF):
            part.carried = None
