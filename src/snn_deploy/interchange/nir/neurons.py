"""neurons: NIR's neurons, differential equations, as what one step of a population does.

NIR: tau dv/dt = (v_leak - v) + r I, and for the current of CubaLIF and CubaLI tau_syn dI/dt = -I + w_in S. One step dt
replaces the share p of what is there by what arrives:

    v = (1 - p) v + p (v_leak + r I)        I = (1 - p_syn) I + p_syn w_in S        (I first)

p = dt / tau by forward Euler, which is what snnTorch, SpikingJelly and Norse simulate; p = 1 - exp(-dt / tau) exactly,
for a current that is held over the step, which is what sinabs simulates. An integrator adds dt r I.

Files hold tau in float32 or float64, so (1 - p) comes back with a rounding error. A keep within that error of a whole
number of 1/4096, which is what chips hold, is that number; a gain within it of 1 is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import NodeError, Shape, per_channel
from snn_deploy.interchange.nir.fields import numbers
from snn_deploy.interchange.nir.reading import Discretization
from snn_deploy.network.state_units import DECAY_UNITY

KINDS = ("LIF", "IF", "CubaLIF", "LI", "I", "CubaLI", "Threshold")


@dataclass(frozen=True)
class Neurons:
    """What one step does, per channel, (channels,): the fields of a FloatPopulation, and the gain of what arrives."""

    gain: np.ndarray
    voltage_keep: np.ndarray
    current_keep: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray
    reset_value: np.ndarray
    initial_value: np.ndarray
    fires: bool


def neurons(node: Mapping[str, Any], shape: Shape, time_step: float, how: Discretization) -> Neurons:
    """Return what one `time_step` does to the neurons `node`, of `shape`, or raise a NodeError."""
    kind = node["type"]
    zero, one = np.zeros(shape[0]), np.ones(shape[0])

    def of(name: str, default: float | None = None) -> np.ndarray:
        return per_channel(numbers(node, name, default), shape, name)

    fires = kind in ("LIF", "IF", "CubaLIF", "Threshold")
    threshold = of("threshold" if kind == "Threshold" else "v_threshold") if fires else zero
    reset_value = of("v_reset", 0.0) if kind in ("LIF", "IF", "CubaLIF") else zero
    if kind == "Threshold":  # a neuron that keeps nothing
        return Neurons(one, zero, zero, zero, threshold, zero, zero, fires)
    error = _rounding_error(node)
    if kind in ("IF", "I"):
        gain = _near_one(time_step * of("r"), error)
        return Neurons(gain, one, zero, zero, threshold, reset_value, reset_value, fires)
    is_current_based = kind in ("CubaLIF", "CubaLI")
    keep, share = _decay(of("tau_mem" if is_current_based else "tau"), time_step, how, error)
    leak = of("v_leak")
    gain = _near_one(share * of("r"), error)
    current_keep = zero
    if is_current_based:
        current_keep, current_share = _decay(of("tau_syn"), time_step, how, error)
        gain = gain * _near_one(current_share * of("w_in", 1.0), error)
    return Neurons(gain, keep, current_keep, share * leak, threshold, reset_value, leak, fires)


def _decay(tau: np.ndarray, time_step: float, how: Discretization, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (what one step keeps, what it replaces) of a state with time constant `tau`."""
    if tau.min() <= 0:
        raise NodeError(f"the time constant {tau.min():g}; allowed are positive ones.")
    share = time_step / tau if how == "euler" else -np.expm1(-time_step / tau)
    if share.max() > 1 + error:
        raise NodeError(
            f"the time constant {tau.min():g} is shorter than the time step {time_step:g}, for which forward Euler "
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
