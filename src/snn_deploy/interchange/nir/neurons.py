"""neurons: NIR's neurons, differential equations, as what one step of a population does.

NIR: tau dv/dt = (v_leak - v) + r I, and for the current of CubaLIF and CubaLI tau_syn dI/dt = -I + w_in S. One step dt
replaces the share p of what is there by what arrives:

    v = (1 - p) v + p (v_leak + r I)        I = (1 - p_syn) I + p_syn w_in S        (I first)

p = dt / tau by forward Euler, which is what snnTorch, SpikingJelly and Norse simulate; p = 1 - exp(-dt / tau) exactly,
for a current that is held over the step, which is what sinabs simulates. An integrator adds dt r I. Where a framework
means something else by r and w_in, its file in written_by/ says what arriving values add.

Files hold tau in float32 or float64, so (1 - p) comes back with a rounding error. A keep within that error of a whole
number of 1/4096, which is what chips hold, is that number; a gain within it of 1 is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import NodeError, Shape, spread
from snn_deploy.interchange.nir.convention import Gain, StepTerms
from snn_deploy.interchange.nir.fields import numbers
from snn_deploy.interchange.nir.reading import Discretization
from snn_deploy.network.state_units import DECAY_UNITY

KINDS = ("LIF", "IF", "CubaLIF", "LI", "I", "CubaLI", "Threshold")


@dataclass(frozen=True)
class Neurons:
    """What one step does, per neuron, of their shape: the fields of a FloatPopulation, and the gain of what arrives."""

    gain: np.ndarray
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    reset_value: np.ndarray
    initial_value: np.ndarray
    fires: bool

    def differs(self) -> str | None:
        """Return the name of a parameter that differs within a channel, None where none does."""
        for name in PER_NEURON:
            rows = getattr(self, name).reshape(len(self.gain), -1)
            if (rows != rows[:, :1]).any():
                return name
        return None


PER_NEURON = ("gain", "voltage_keep", "current_keep", "bias", "threshold", "reset_value", "initial_value")


@dataclass(frozen=True)
class Steps:
    """How time becomes steps. gains: of a Convention."""

    length: float
    how: Discretization
    gains: Mapping[str, Gain]


def neurons(node: Mapping[str, Any], shape: Shape, steps: Steps) -> Neurons:
    """Return what one step does to the neurons `node`, of `shape`, or raise a NodeError."""
    kind = node["type"]
    zero, one = np.zeros(shape), np.ones(shape)

    def of(name: str, default: float | None = None) -> np.ndarray:
        return spread(numbers(node, name, default), shape, name)

    fires = kind in ("LIF", "IF", "CubaLIF", "Threshold")
    threshold = of("threshold" if kind == "Threshold" else "v_threshold") if fires else zero
    reset_value = of("v_reset", 0.0) if kind in ("LIF", "IF", "CubaLIF") else zero
    if kind == "Threshold":  # a neuron that keeps nothing
        return Neurons(one, zero, zero, zero, threshold, zero, zero, fires)
    error = _rounding_error(node)
    is_integrator, is_current_based = kind in ("IF", "I"), kind in ("CubaLIF", "CubaLI")
    keep, share, current_keep, current_share = one, zero, zero, one
    if not is_integrator:
        keep, share = _decay(of("tau_mem" if is_current_based else "tau"), steps, error)
    if is_current_based:
        current_keep, current_share = _decay(of("tau_syn"), steps, error)
    r, w_in = of("r"), of("w_in", 1.0) if is_current_based else one
    if kind in steps.gains:
        gain = _near_one(steps.gains[kind](StepTerms(steps.length, keep, current_keep, r, w_in)), error)
    else:
        gain = _near_one((steps.length if is_integrator else share) * r, error)
        gain = gain * _near_one(current_share * w_in, error)
    leak = reset_value if is_integrator else of("v_leak")
    return Neurons(gain, keep, current_keep, share * leak, threshold, reset_value, leak, fires)


def _decay(tau: np.ndarray, steps: Steps, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (what one step keeps, what it replaces) of a state with time constant `tau`."""
    if tau.min() <= 0:
        raise NodeError(f"the time constant {tau.min():g}; allowed are positive ones.")
    share = steps.length / tau if steps.how == "euler" else -np.expm1(-steps.length / tau)
    if share.max() > 1 + error:
        raise NodeError(
            f"the time constant {tau.min():g} is shorter than the time step {steps.length:g}, for which forward Euler "
            "diverges. State a smaller time step, or the exact discretization."
        )
    keep = np.maximum(1 - share, 0.0)
    whole = np.rint(keep * DECAY_UNITY) / DECAY_UNITY
    keep = np.where(abs(keep - whole) <= error, whole, keep)
    return keep, 1 - keep


def _near_one(gain: np.ndarray, error: float) -> np.ndarray:
    return np.where(abs(gain - 1) <= 4 * error * np.maximum(1, abs(gain)), 1.0, gain)


def _rounding_error(node: Mapping[str, Any]) -> float:
    """Return how far a keep may be off that was written as a time constant of the precision in the file."""
    constants = [np.asarray(node[name]) for name in ("tau", "tau_mem", "tau_syn", "r") if name in node]
    is_single = any(c.dtype == np.float32 for c in constants)
    return 2.0**-22 if is_single else 2.0**-50
