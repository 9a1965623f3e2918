"""Neuron `lif`: leaky integrate-and-fire with reset to zero.

IM-Loss Eq. 5-6, RMP-Loss Eq. 1-3: u[t] = tau * u[t-1] * (1 - o[t-1]) + x[t]; o[t] = u[t] >= V_th.
Dspike fires at u > V_th: set fires_at_threshold = false.

`run` is the plain form, in torch operations, for any device; fused_lif.py is the compiled one.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from snn_deploy.support.user_error import UserError


class Surrogate(Protocol):
    """What the neuron asks of a surrogate; see train/surrogates/."""

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return the derivative of the spike by the potential that training pretends."""


@dataclass(frozen=True)
class Neuron:
    """voltage_keep: tau, the share of the potential left after a step. threshold: V_th.

    learns_voltage_keep: each layer trains a voltage_keep of its own that starts at this one (learned_keep.py); it runs
    on the plain path, which is slower than the compiled one. A threshold is not trained: currents and threshold scaled
    together leave every spike as it is, so the gain of a norm is a learned threshold already.
    """

    voltage_keep: Annotated[float, Ge(0), Le(1)] = 0.25
    threshold: Annotated[float, Gt(0)] = 0.5
    fires_at_threshold: bool = True
    learns_voltage_keep: bool = False

    def __post_init__(self) -> None:
        if self.learns_voltage_keep and not 0 < self.voltage_keep < 1:
            raise UserError(
                f"voltage_keep is {self.voltage_keep} and learns_voltage_keep is true; what is learned must start "
                "between 0 and 1. Start at 0.25, or set learns_voltage_keep = false"
            )

    def run(
        self, currents: Tensor, surrogate: Surrogate, sharpness: float, learned_keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (spikes, potentials before the reset), both (steps, batch, *shape) as `currents`.

        learned_keep: a scalar that is used in place of voltage_keep, and gets a gradient.
        """
        neuron = self if learned_keep is None else self.keeping(learned_keep)
        spikes, potentials = _Lif.apply(currents, neuron, surrogate, sharpness, learned_keep)
        return spikes, potentials

    def keeping(self, learned_keep: Tensor) -> "Neuron":
        """Return this neuron with the value of `learned_keep`, a scalar, for good."""
        return replace(self, voltage_keep=learned_keep.item(), learns_voltage_keep=False)

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

    @staticmethod
    def by_keep(potentials: Tensor, spikes: Tensor, total: Tensor) -> Tensor:
        """Return the derivative by voltage_keep, a scalar; `total` is what back_in_time returned."""
        left = potentials[:-1] * (1 - spikes[:-1])
        return (total[1:] * left).sum()

    def fires(self, potentials: Tensor) -> Tensor:
        """Return where a potential makes a spike."""
        return potentials >= self.threshold if self.fires_at_threshold else potentials > self.threshold


class _Lif(torch.autograd.Function):
    """The recurrence and its derivative, through the reset as well."""

    @staticmethod
    def forward(
        ctx: Any,
        currents: Tensor,
        neuron: Neuron,
        surrogate: Surrogate,
        sharpness: float,
        learned_keep: Tensor | None,
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
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        potentials, spikes = ctx.saved_tensors
        total = ctx.neuron.back_in_time(potentials, spikes, *gradients, ctx.surrogate, ctx.sharpness)
        by_keep = ctx.neuron.by_keep(potentials, spikes, total) if ctx.needs_input_grad[4] else None
        return total, None, None, None, by_keep
