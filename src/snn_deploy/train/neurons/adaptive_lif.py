"""Neuron `adaptive_lif`: leaky integrate-and-fire with a threshold that each of its spikes raises (ALIF).

Bellec et al., "Long short-term memory and learning-to-learn in networks of spiking neurons", NeurIPS 2018; here with
the reset to zero of `lif`:

    u[t] = tau * u[t-1] * (1 - o[t-1]) + x[t]
    o[t] = u[t] >= V_th * (1 + b[t])
    b[t+1] = threshold_keep * b[t] + threshold_step * o[t]

How far a threshold has risen is a memory of hundreds of steps that needs no spikes to be kept. The gradient goes
through it, from a later threshold to the spike that raised it. There are no compiled kernels; layers run on torch.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt
from torch import Tensor

from snn_deploy.network.adaptive_threshold import LARGEST_KEEP
from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.train.neurons import lif


@dataclass(frozen=True)
class Neuron(lif.Neuron):
    """The keys of `lif`, and how the threshold adapts.

    threshold_step: what a spike adds to the threshold, as a share of it; 0 is `lif`. threshold_keep: the share of the
    rise that is left after a step; rounded to whole numbers of 1/4096, which chips hold.
    """

    adapts: ClassVar[bool] = True

    threshold_step: Annotated[float, Ge(0)] = 0.5
    threshold_keep: Annotated[float, Ge(0), Lt(1)] = 0.98

    @property
    def rise(self) -> tuple[float, float]:
        """What a spike adds to the threshold, and the share of that which is left after a step."""
        keep = min(round(self.threshold_keep * DECAY_UNITY), LARGEST_KEEP) / DECAY_UNITY
        return self.threshold_step * self.threshold, keep

    def at_rest(self, currents: Tensor) -> Tensor:
        """Return the potentials and the rises of thresholds before the first step, (2, batch, *shape)."""
        return torch.zeros_like(currents).expand(2, *currents.shape)

    def step(
        self,
        currents: Tensor,
        carried: Tensor,
        surrogate: lif.Surrogate,
        sharpness: float,
        learned_keep: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what `lif` does; carried: the potentials after reset and leak and the rises, (2, batch, *shape)."""
        left, risen = carried
        potentials = currents + left
        spikes, _ = lif.Spike.apply(potentials - risen, self, surrogate, sharpness)
        keep = self.voltage_keep if learned_keep is None else learned_keep
        added, kept = self.rise
        return spikes, potentials, torch.stack((keep * potentials * (1 - spikes), kept * risen + added * spikes))

    def run(
        self, currents: Tensor, surrogate: lif.Surrogate, sharpness: float, learned_keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (spikes, potentials before the reset), both (steps, batch, *shape) as `currents`; by autograd."""
        spikes, potentials, carried = [], [], self.at_rest(currents[0])
        for arriving in currents:
            sent, before_reset, carried = self.step(arriving, carried, surrogate, sharpness, learned_keep)
            spikes.append(sent)
            potentials.append(before_reset)
        return torch.stack(spikes), torch.stack(potentials)
