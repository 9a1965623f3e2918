"""Neuron `spike_response`: the spike response model of time-based training, discrete in time (TB Eq. 1-2).

A spike that arrives adds the kernel epsilon(t) = tau_m / (tau_m - tau_s) * (exp(-t / tau_m) - exp(-t / tau_s)), from
the step of its arrival on, which counts as t = 1. Two traces make it: P[t] = a (P[t-1] + x[t]) with
a = exp(-1 / tau_m), Q[t] = b (Q[t-1] + x[t]) with b = exp(-1 / tau_s), and u = gain (P - Q). Times are rounded so that
a and b are whole numbers of 1/4096, which chips hold exactly. A spike where u >= threshold.

The paper's reset forgets all earlier input: P = Q = 0. No chip here does that with its current, so forgets =
"potential" only sets u to 0 (P = Q) and keeps the current Q: that is the current-based LIF neuron of Loihi.

Gradients travel on spike times (Eq. 3-5, 16-17, Algorithm 1). The gradient with respect to the potential at a spike is
-1 / (du/dt) times that with respect to the spike's time. From there it reaches the inputs since the spike before: with
respect to their weights by the factor epsilon, with respect to their times by -epsilon'. du/dt is the slope that those
same inputs make, so the sum over times is the same on both sides of a layer (Eq. 6), except at spikes whose slope is
below 1 / steepest. A silent output neuron has no spike to move, so it would stay silent for good; with revives_output
it is trained as if it had fired in the last step, where the loss wants more spikes of it. That is not part of the
equations.

A layer that feeds itself gets its own spikes one or more steps later; their times get a gradient from there as well.

`respond` and `back_in_time` are the plain forms; compiled/spike_response_kernels.py has the compiled ones.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Gt
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class Loop:
    """A dense layer's connection to itself: weights (neurons, neurons), delay in steps."""

    weights: Tensor
    delay: int


@dataclass(frozen=True)
class Neuron:
    """membrane_time, synapse_time: tau_m and tau_s, in steps. threshold: where training starts; norms may learn it.

    forgets: what a spike does to the input before it. steepest: the largest -dt/du that a gradient is multiplied with.
    """

    learns_voltage_keep: ClassVar[bool] = False
    adapts: ClassVar[bool] = False
    fires_at_threshold: ClassVar[bool] = True

    membrane_time: Annotated[float, Gt(0)] = 5.0
    synapse_time: Annotated[float, Gt(0)] = 3.0
    threshold: Annotated[float, Gt(0)] = 1.0
    forgets: Literal["everything", "potential"] = "everything"
    steepest: Annotated[float, Gt(0)] = 2.0
    revives_output: bool = True

    def __post_init__(self) -> None:
        if self.voltage_keep <= self.current_keep:
            raise UserError(
                f"membrane_time {self.membrane_time} and synapse_time {self.synapse_time}; the first must be longer, "
                "by more than a decay of 1/4096. Take 5 and 3"
            )
        if self.current_keep == 0:
            raise UserError(f"synapse_time {self.synapse_time}: nothing is left after a step. Take 0.2 or more")

    @property
    def voltage_keep(self) -> float:
        """The share of the membrane trace left after a step, a whole number of 1/4096."""
        return _whole(math.exp(-1 / self.membrane_time))

    @property
    def current_keep(self) -> float:
        """The same of the synapse trace."""
        return _whole(math.exp(-1 / self.synapse_time))

    @property
    def kernel(self) -> tuple[float, float, float, float, float]:
        """(gain, voltage_keep, current_keep, and the logarithms of the two)."""
        a, b = self.voltage_keep, self.current_keep
        tau_m, tau_s = -1 / math.log(a), -1 / math.log(b)
        return tau_m / (tau_m - tau_s), a, b, math.log(a), math.log(b)

    @property
    def current_gain(self) -> float:
        """The potential that one step of a current of 1 makes: u in this unit is a current-based neuron's potential."""
        gain, a, b, _, _ = self.kernel
        return gain * (a - b)

    def respond(self, currents: Tensor, thresholds: Tensor, loop: Loop | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return potentials before the reset, spikes, and slopes of the potential at spikes and in the last step.

        currents: (steps, batch, *shape). thresholds: broadcast over them. All of the shape of `currents`.
        """
        gain, a, b, log_a, log_b = self.kernel
        potentials, spikes, slopes = (torch.empty_like(currents) for _ in range(3))
        slow = fast = new_slow = new_fast = torch.zeros_like(currents[0])
        for t, arriving in enumerate(currents):
            x = arriving
            if loop is not None and t >= loop.delay:
                x = x + functional.linear(spikes[t - loop.delay], loop.weights)
            slow, fast = a * (slow + x), b * (fast + x)
            new_slow, new_fast = a * (new_slow + x), b * (new_fast + x)
            potentials[t] = gain * (slow - fast)
            fires = potentials[t] >= thresholds
            spikes[t] = fires
            is_wanted = fires if t < len(currents) - 1 else torch.ones_like(fires)
            slopes[t] = torch.where(is_wanted, gain * (log_a * new_slow - log_b * new_fast), 0.0)
            left = fast if self.forgets == "potential" else torch.zeros_like(fast)
            slow, fast = torch.where(fires, left, slow), torch.where(fires, left, fast)
            new_slow, new_fast = torch.where(fires, 0.0, new_slow), torch.where(fires, 0.0, new_fast)
        return potentials, spikes, slopes

    def back_in_time(
        self, by_times: Tensor, spikes: Tensor, slopes: Tensor, loop: Loop | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients with respect to the size and to the time of what arrives, of the shape of `spikes`.

        by_times: the loss's gradient with respect to the time of each spike, without the layer's own loop; values
        where there is no spike are ignored.
        """
        gain, a, b, log_a, log_b = self.kernel
        by_sizes, by_arrivals = torch.empty_like(spikes), torch.empty_like(spikes)
        by_potential = slow = fast = torch.zeros_like(spikes[0])
        for t in range(len(spikes) - 1, -1, -1):
            fires, by_time = spikes[t] > 0, by_times[t]
            if loop is not None and t + loop.delay < len(spikes):
                by_time = by_time + by_arrivals[t + loop.delay] @ loop.weights
            by_potential = torch.where(fires, -by_time / slopes[t].clamp(min=1 / self.steepest), by_potential)
            slow, fast = a * torch.where(fires, 1.0, slow), b * torch.where(fires, 1.0, fast)
            by_sizes[t] = by_potential * gain * (slow - fast)
            by_arrivals[t] = -by_potential * gain * (log_a * slow - log_b * fast)
        return by_sizes, by_arrivals


def _whole(keep: float) -> float:
    return round(keep * DECAY_UNITY) / DECAY_UNITY
