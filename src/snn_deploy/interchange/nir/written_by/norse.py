"""Norse 1.1 (torch/utils/export_nir.py): time constants are tau * dt, r and w_in are 1.

A cell of Norse takes steps of 1e-3 s and replaces 1e-3 / tau of its state, so in a file that has tau * 1e-3 a step is
1e-6. LIFCell adds all of what arrives to its current: w_in = tau_syn / dt, which it does not write. IAFCell adds what
arrives, without dt.
"""

from collections.abc import Sequence

from snn_deploy.interchange.nir.convention import Convention, Node, all_are, values_of

_TIME_STEP = 1e-3 * 1e-3  # dt of the cells, and of to_nir
_SHORTEST = 1e-4  # seconds; no time constant of a neuron is shorter, but tau * dt of Norse's are (defaults: 5e-6, 1e-5)


def _is_recognised(nodes: Sequence[Node]) -> bool:
    """Whether r and w_in are 1 beside time constants too short for seconds, or single numbers in integrators."""
    leaky = ("LIF", "LI", "CubaLIF")
    taus = [v for name in ("tau", "tau_mem", "tau_syn") for v in values_of(nodes, leaky, name)]
    integrators = values_of(nodes, ("IF",), "r")
    plain = all_are(values_of(nodes, (*leaky, "IF"), "r") + values_of(nodes, leaky, "w_in"), 1)
    short = all(bool(((tau > 0) & (tau < _SHORTEST)).all()) for tau in taus)
    return plain and short and all(r.ndim == 0 for r in integrators) and bool(taus or integrators)


CONVENTION = Convention(
    "Norse",
    time_step=_TIME_STEP,
    gains={"IF": lambda step: step.r, "CubaLIF": lambda step: (1 - step.keep) * step.r * step.w_in},
    is_recognised=_is_recognised,
    unsaid="v_reset, which is taken as 0",
)
