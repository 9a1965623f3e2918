"""synaptic_operations: how many synapses each neuron of a plan has: the additions that one spike of it causes.

Synapses that end in the padding do not exist, those of weight zero do, and a pooled neuron has the synapses of its
window, as deploy/running/event_counts.py counts them on the exported network.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection


def fan_outs(plan: NetworkPlan) -> dict[str, Tensor]:
    """Return population or input -> its neurons' numbers of synapses, in doubles of the population's shape."""
    shapes = {plan.input.name: plan.input.shape, **{p.name: p.shape for p in plan.populations}}
    fans: dict[str, Tensor] = {}
    for connection in plan.connections:
        name = connection.source
        fan = _fan_out(connection, shapes[name])
        fans[name] = fans[name] + fan if name in fans else fan
    return fans


@lru_cache(maxsize=8)
def mean_fan_outs(plan: NetworkPlan) -> dict[str, float]:
    """Return population or input -> the synapses of its mean neuron."""
    return {name: float(fan.mean()) for name, fan in fan_outs(plan).items()}


def _fan_out(connection: PlannedConnection, shape: tuple[int, ...]) -> Tensor:
    """Return how often each source neuron is read: the derivative of the sum of all currents with weights of one."""
    source = torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        pooled = source
        if connection.pool != (1, 1):
            pooled = functional.avg_pool2d(source, connection.pool) * math.prod(connection.pool)
        weights = torch.ones(connection.weights_shape, dtype=torch.float64)
        if weights.ndim == 2:
            currents = functional.linear(pooled.flatten(1), weights)
        else:
            currents = functional.conv2d(
                pooled, weights, None, connection.stride, connection.padding, connection.dilation, connection.groups
            )
        (fan,) = torch.autograd.grad(currents.sum(), source)
    return fan[0].round()
