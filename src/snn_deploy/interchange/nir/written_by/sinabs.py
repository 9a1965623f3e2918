"""sinabs 3.1 (sinabs/nir.py): time constants in steps, the exponential solution, r = 1, resets by subtraction.

LIF with norm_input=True, its default, replaces a share of the potential by what arrives; ExpLeak, whose default is
False, adds what arrives. The file does not say which of both a layer does.
"""

from collections.abc import Sequence

import numpy as np

from snn_deploy.interchange.nir.convention import Convention, Node, all_are, values_of


def _is_recognised(nodes: Sequence[Node]) -> bool:
    """Whether r is 1 in integrators, neuron by neuron, and time constants are whole seconds and more, or both."""
    kinds = {node["type"] for node in nodes}
    taus, integrators = values_of(nodes, ("LIF", "LI"), "tau"), values_of(nodes, ("IF",), "r")
    plain = all_are(values_of(nodes, ("IF", "LIF", "LI"), "r"), 1) and all_are(
        [*values_of(nodes, ("LIF", "LI"), "v_leak"), *values_of(nodes, ("IF", "LIF"), "v_reset")], 0
    )
    slow = all(bool((tau >= 1).all()) for tau in taus)
    others = kinds & {"CubaLIF", "CubaLI", "I", "Threshold"}
    return plain and slow and not others and all(r.ndim > 0 for r in integrators) and bool(taus or integrators)


CONVENTION = Convention(
    "sinabs",
    time_step=1.0,
    discretization="exact",
    reset="subtract",
    fires_at_threshold=True,
    gains={"LI": lambda step: np.ones_like(step.keep)},
    is_recognised=_is_recognised,
    unsaid="norm_input (taken for LIF), spike_fn (one spike per step) and reset_fn (subtraction)",
)
