"""Rockpool 3.1 (nn/modules/torch/nir.py): exponential decays; r = tau_mem exp(-dt / tau_mem) / dt holds the time step.

LIFTorch adds what arrives to its current, lets it decay in the same step, and adds all of it to the potential;
LIFNeuronTorch adds what arrives to the potential; ExpSynTorch is a current that is added to and decays. Its neurons may
fire more than once in a step; such steps do not come in.
"""

from collections.abc import Sequence

import numpy as np

from snn_deploy.interchange.nir.convention import Convention, Node, all_are, values_of

_TAUS = {"CubaLIF": "tau_mem", "LIF": "tau", "LI": "tau"}
_SINGLE = 1e-5  # relative: r is in float32
_NEWTON_STEPS = 50


def _time_step(nodes: Sequence[Node]) -> float | None:
    """Return the dt that makes r of every node what it is, None where there is none."""
    found = []
    for kind, name in _TAUS.items():
        for tau, r in zip(values_of(nodes, (kind,), name), values_of(nodes, (kind,), "r"), strict=False):
            if not (np.isfinite(tau).all() and np.isfinite(r).all() and tau.min() > 0 and r.min() > 0):
                return None
            found.append((np.broadcast_to(tau.astype(np.float64), r.shape) * _share(r)).ravel())
    if not found:
        return None
    every = np.concatenate(found)
    if np.ptp(every) > _SINGLE * every.max():
        return None
    step = float(np.median(every))
    of_two_digits = float(f"{step:.1e}")
    return of_two_digits if abs(step - of_two_digits) <= _SINGLE * step else step


def _share(r: np.ndarray) -> np.ndarray:
    """Return the x > 0 with exp(-x) / x = r."""
    x = np.log1p(1 / r.astype(np.float64))
    for _ in range(_NEWTON_STEPS):
        x = x - (np.exp(-x) - r * x) / (-np.exp(-x) - r)
    return x


def _is_recognised(nodes: Sequence[Node]) -> bool:
    """Whether w_in is 1 and the r of every neuron gives the same time step, a number of two digits such as 1e-3."""
    kinds = {node["type"] for node in nodes}
    step = _time_step(nodes)
    if step is None or "CubaLIF" not in kinds or kinds & {"IF", "I", "CubaLI", "Threshold"}:
        return False
    return step == float(f"{step:.1e}") and all_are(values_of(nodes, ("CubaLIF",), "w_in"), 1)


CONVENTION = Convention(
    "Rockpool",
    time_step=_time_step,
    discretization="exact",
    reset="subtract",
    fires_at_threshold=True,
    gains={
        "CubaLIF": lambda step: step.current_keep,
        "LIF": lambda step: np.ones_like(step.keep),
        "LI": lambda step: step.keep,
    },
    is_recognised=_is_recognised,
    unsaid="biases of neurons (taken as 0), and how often they fire in a step (once)",
)
