"""planned_network: the integers that a plan will have once it is trained, as far as a mapping looks at them.

A mapping sees the shapes, how many bits the weights take, which of them are 0, and how many thresholds a core holds.
Here every weight that is not 0 has the largest magnitude of its bits and a random sign, and each layer has a threshold
of its own, which is what an export with one threshold for each layer makes. Trained weights can take fewer bits: where
a block on a core has small ones only, and in wide layers, where the bounds that an export proves may cost bits. They
never take more.
"""

import numpy as np

from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY
from snn_deploy.support.user_error import UserError
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection

_SEED = 0  # of the signs, and of the weights that are 0


def planned_network(
    plan: NetworkPlan, steps: int, *, largest_value: int = 255, weight_bits: int = 8, density: float = 1.0
) -> IntegerNetwork:
    """Return `plan` in integers of `weight_bits`, of which the share `density` is not 0.

    largest_value: of the inputs.
    """
    if not 0 < density <= 1:
        raise UserError(f"--density {density:g}; allowed is a share of the weights above 0, up to 1.")
    rng = np.random.default_rng(_SEED)
    populations = []
    for number, p in enumerate(plan.populations, 1):
        nothing = np.zeros(p.shape[0], np.int64)
        keep = nothing if p.fires else nothing + DECAY_UNITY
        populations.append(IntegerPopulation(p.name, p.shape, nothing + number, keep, nothing, nothing, p.fires))
    connections = tuple(_in_integers(c, weight_bits, density, rng) for c in plan.connections)
    entry = IntegerInput(plan.input.name, plan.input.shape, largest_value)
    return IntegerNetwork(entry, tuple(populations), connections, steps)


def _in_integers(c: PlannedConnection, weight_bits: int, density: float, rng: np.random.Generator) -> IntegerConnection:
    most = 2 ** (weight_bits - 1) - 1
    if c.is_fixed:
        weights = np.full(c.weights_shape, most, np.int8)
    else:
        weights = np.where(rng.random(c.weights_shape) < 0.5, most, -most).astype(np.int8)
        if density < 1:
            weights[rng.random(c.weights_shape) >= density] = 0
    return IntegerConnection(
        c.name,
        c.source,
        c.target,
        weights,
        stride=c.stride,
        padding=c.padding,
        dilation=c.dilation,
        groups=c.groups,
        pool=c.pool,
        delay=c.delay,
    )
