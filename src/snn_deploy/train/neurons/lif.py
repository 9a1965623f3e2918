"""Neuron `lif`: leaky integrate-and-fire with reset to zero.

IM-Loss Eq. 5-6, RMP-Loss Eq. 1-3: u[t] = tau * u[t-1] * (1 - o[t-1]) + x[t]; o[t] = u[t] >= V_th.
Dspike fires at u > V_th: set fires_at_threshold = false.

`step` is the neuron's equation, in torch operations, for any device, and `run` takes all steps at once; fused_lif.py is
the compiled form.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Protocol

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from snn_deploy.support.user_error import UserError


class Surrogate(Protocol):
    """What the neuron asks of a surrogate; see train/surrogates/."""

    def gradient(self, potentials: Tensor, threshold: float, sharpness: float) -> Tensor:
        """Return what stands in for the derivative of the spike with respect to the potential."""


@dataclass(frozen=True)
class Neuron:
    """voltage_keep: tau, the share of the potential left after a step. threshold: V_th.

    learns_voltage_keep: each layer trains a voltage_keep of its own that starts at this one (learned_keep.py). A
    threshold is not trained: currents and threshold scaled together leave every spike as it is, so the gain of a norm
    is a learned threshold already.
    """

    adapts: ClassVar[bool] = False

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

    @property
    def rise(self) -> tuple[float, float]:
        """What a spike adds to the threshold, and the share of that which is left after a step; see FloatPopulation."""
        return 0.0, 0.0

    def at_rest(self, currents: Tensor) -> Tensor:
        """Return what `step` takes as carried in the first step, for `currents` (batch, *shape)."""
        return torch.zeros_like(currents)

    def step(
        self,
        currents: Tensor,
        carried: Tensor,
        surrogate: Surrogate,
        sharpness: float,
        learned_keep: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (spikes, potentials before the reset, what is carried into the next step), here all (batch, *shape).

        currents: of this step. carried: what the step before returned, here the potentials after reset and leak;
        `at_rest` in the first. learned_keep: as of `run`. Autograd differentiates through all of it, the reset as well.
        """
        spikes, potentials = Spike.apply(currents + carried, self, surrogate, sharpness)
        keep = self.voltage_keep if learned_keep is None else learned_keep
        return spikes, potentials, keep * potentials * (1 - spikes)

    def run(
        self, currents: Tensor, surrogate: Surrogate, sharpness: float, learned_keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (spikes, potentials before the reset), both (steps, batch, *shape) as `currents`.

        learned_keep: a scalar that is used in place of voltage_keep, and gets a gradient.
        """
        neuron = self if learned_keep is None else self.with_voltage_keep(learned_keep)
        spikes, potentials = _Lif.apply(currents, neuron, surrogate, sharpness, learned_keep)
        return spikes, potentials

    def with_voltage_keep(self, learned_keep: Tensor) -> "Neuron":
        """Return this neuron with the value of `learned_keep`, a scalar, which it does not learn any further."""
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
        """Return the gradient with respect to the currents, (steps, batch, *shape).

        by_spikes, by_potentials: the gradients with respect to the spikes and to the potentials, of the same shape.
        """
        slopes = surrogate.gradient(potentials, self.threshold, sharpness)
        total = torch.addcmul(by_potentials, by_spikes, slopes)
        for t in range(len(total) - 2, -1, -1):
            # u[t+1] depends on u[t] directly, and through the reset on o[t], which depends on u[t].
            passes = (1 - spikes[t]) - potentials[t] * slopes[t]
            total[t].addcmul_(total[t + 1], passes, value=self.voltage_keep)
        return total

    @staticmethod
    def by_keep(potentials: Tensor, spikes: Tensor, total: Tensor) -> Tensor:
        """Return the gradient with respect to voltage_keep, a scalar; `total` is what back_in_time returned."""
        left = potentials[:-1] * (1 - spikes[:-1])
        return (total[1:] * left).sum()

    def fires(self, potentials: Tensor) -> Tensor:
        """Return where a potential makes a spike."""
        return potentials >= self.threshold if self.fires_at_threshold else potentials > self.threshold


class Spike(torch.autograd.Function):
    """Spikes of one step, and the potentials themselves; the spikes' derivative is the surrogate's."""

    @staticmethod
    def forward(
        ctx: Any, potentials: Tensor, neuron: Neuron, surrogate: Surrogate, sharpness: float
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(potentials)
        ctx.neuron, ctx.surrogate, ctx.sharpness = neuron, surrogate, sharpness
        return neuron.fires(potentials).to(potentials.dtype), potentials

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (potentials,) = ctx.saved_tensors
        by_spikes, by_potentials = gradients
        slopes = ctx.surrogate.gradient(potentials, ctx.neuron.threshold, ctx.sharpness)
        return torch.addcmul(by_potentials, by_spikes, slopes), None, None, None


class _Lif(torch.autograd.Function):
    """All steps, with one backward pass for all of them: faster than autograd through `step`, and the same gradient."""

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
        carried = neuron.at_rest(currents[0])
        for t, arriving in enumerate(currents):
            spikes[t], potentials[t], carried = neuron.step(arriving, carried, surrogate, sharpness)
        ctx.save_for_backward(potentials, spikes)
        ctx.neuron, ctx.surrogate, ctx.sharpness = neuron, surrogate, sharpness
        return spikes, potentials

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        potentials, spikes = ctx.saved_tensors
        total = ctx.neuron.back_in_time(potentials, spikes, *gradients, ctx.surrogate, ctx.sharpness)
        by_keep = ctx.neuron.by_keep(potentials, spikes, total) if ctx.needs_input_grad[4] else None
        return total, None, None, None, by_keep
