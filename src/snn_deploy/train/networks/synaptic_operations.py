"""synaptic_operations: how many synapses each neuron of a plan has: the additions that one spike of it causes."""

from functools import lru_cache

import numpy as np

from snn_deploy.network.fan_out import fan_out
from snn_deploy.train.networks.network_plan import NetworkPlan


def fan_outs(plan: NetworkPlan) -> dict[str, np.ndarray]:
    """Return population or input -> its neurons' numbers of synapses, int64 of the population's shape."""
    shapes = {plan.input.name: plan.input.shape, **{p.name: p.shape for p in plan.populations}}
    fans: dict[str, np.ndarray] = {}
    for connection in plan.connections:
        name = connection.source
        fan = fan_out(connection, shapes[name])
        fans[name] = fans[name] + fan if name in fans else fan
    return fans


@lru_cache(maxsize=8)
def mean_fan_outs(plan: NetworkPlan) -> dict[str, float]:
    """Return population or input -> the synapses of its mean neuron."""
    return {name: float(fan.mean()) for name, fan in fan_outs(plan).items()}
