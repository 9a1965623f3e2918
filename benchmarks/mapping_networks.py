"""The networks that benchmarks/mapping.py maps: shapes as in the papers, random 8-bit weights; none of them is trained.

S, B, V and C have stride 2 where the papers pool, because nengo-loihi has no pooling. The others pool.
"""

from collections.abc import Callable

import numpy as np

from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.train.models import cifarnet, layer_string, resnet19, vgg11, vgg16
from snn_deploy.train.networks.network_plan import NetworkPlan

GREY, COLOUR = (1, 28, 28), (3, 32, 32)


def _chain(layers: str, shape: tuple[int, ...]) -> NetworkPlan:
    return layer_string.Model(layers).plan(shape, 10)


PLANS: dict[str, Callable[[], NetworkPlan]] = {
    "S": lambda: _chain("16C3S2-32C3S2-10", GREY),
    "B": lambda: _chain("32C5S2-64C5S2-1024-10", GREY),
    "V": lambda: _chain("64C3S2-128C3S2-256C3-256C3S2-512C3-512C3S2-512C3-512C3S2-10", COLOUR),
    "C": lambda: _chain("128C3-256C3S2-512C3S2-1024C3-512C3-1024-512-10", COLOUR),
    "S pooled": lambda: _chain("16C3-P2-32C3-P2-10", GREY),
    "B pooled": lambda: _chain("32C5-P2-64C5-P2-1024-10", GREY),
    "CIFARNet": lambda: cifarnet.Model().plan(COLOUR, 10),
    "VGG-11": lambda: vgg11.Model().plan(COLOUR, 10),
    "VGG-16": lambda: vgg16.Model().plan(COLOUR, 10),
    "ResNet-19": lambda: resnet19.Model().plan(COLOUR, 10),
}


def network(name: str, seed: int = 0) -> IntegerNetwork:
    """Return the network `name` of PLANS with random weights: one threshold, no leak, 4 steps."""
    plan, rng = PLANS[name](), np.random.default_rng(seed)
    populations = []
    for p in plan.populations:
        zeros = np.zeros(p.shape[0], np.int64)
        populations.append(IntegerPopulation(p.name, p.shape, zeros + 4000, zeros + 4096, zeros, zeros, fires=p.fires))
    connections = tuple(
        IntegerConnection(
            c.name,
            c.source,
            c.target,
            rng.integers(-127, 128, c.weights_shape, np.int8),
            stride=c.stride,
            padding=c.padding,
            dilation=c.dilation,
            groups=c.groups,
            pool=c.pool,
            delay=c.delay,
        )
        for c in plan.connections
    )
    return IntegerNetwork(IntegerInput(plan.input.name, plan.input.shape), tuple(populations), connections, 4)
