"""Neuron `lif`: leaky integrate-and-fire with reset to zero.

IM-Loss Eq. 5-6, RMP-Loss Eq. 1-3: u[t] = tau * u[t-1] * (1 - o[t-1]) + x[t]; o[t] = u[t] >= V_th.
Dspike fires at u > V_th: set fires_at_threshold = false.

`run` is the plain form, in torch operations, for any device; fused_lif.py is the compiled one.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor


class Surrogate(Protocol):
    """What the neuron asks of a surrogate; see train/surrogates/."""

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return the derivative of the spike by the potential that training pretends."""


@dataclass(frozen=True)
class Neuron:
    """voltage_keep: tau, the share of the potential left after a step. threshold: V_th."""

    voltage_keep: Annotated[float, Ge(0), Le(1)] = 0.25
    threshold: Annotated[float, Gt(0)] = 0.5
    fires_at_threshold: bool = True

    def run(self, currents: Tensor, surrogate: Surrogate, sharpness: float) -> tuple[Tensor, Tensor]:
        """Return (spikes, potentials before the reset), both (steps, batch, *shape) as `currents`."""
        spikes, potentials = _Lif.apply(currents, self, surrogate, sharpness)
        return spikes, potentials

    def back_in_time(
        self,
        potentials: Tensor,
        spikes: Tensor,
        by_spikes: Tensor,
        by_potentials: Tensor,
        surrogate: Surrogate,
        sharpness: float,
    ) -> Tensor:
        """Return the derivative by the currents from those by the spikes and potentials, all (steps, batch, *shape)."""
        slopes = surrogate.gradient(potentials, self.threshold, sharpness)
        total = torch.addcmul(by_potentials, by_spikes, slopes)
        for t in range(len(total) - 2, -1, -1):
            # u[t+1] depends on u[t] directly, and through the reset on o[t], which depends on u[t].
            passes = (1 - spikes[t]) - potentials[t] * slopes[t]
            total[t].addcmul_(total[t + 1], passes, value=self.voltage_keep)
        return total

    def fires(self, potentials: Tensor) -> Tensor:
        """Return where a potential makes a spike."""
        return potentials >= self.threshold if self.fires_at_threshold else potentials > self.threshold


class _Lif(torch.autograd.Function):
    """The recurrence and its derivative, through the reset as well."""

    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, neuron: Neuron, surrogate: Surrogate, sharpness: float
    ) -> tuple[Tensor, Tensor]:
        potentials = torch.empty_like(currents)
        spikes = torch.empty_like(currents)
        left = torch.zeros_like(currents[0])
        for t in range(len(currents)):
            potentials[t] = currents[t] + left * neuron.voltage_keep
            fired = neuron.fires(potentials[t])
            spikes[t] = fired
            left = torch.where(fired, 0.0, potentials[t])
        ctx.save_for_backward(potentials, spikes)
        ctx.neuron, ctx.surrogate, ctx.sharpness = neuron, surrogate, sharpness
        return spikes, potentials

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        potentials, spikes = ctx.saved_tensors
        total = ctx.neuron.back_in_time(potentials, spikes, *gradients, ctx.surrogate, ctx.sharpness)
        return total, None, None, None
