"""to_float_network: turns a network in training into plain data."""

from collections.abc import Mapping
from typing import Any

from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.network import Network


def to_float_network(network: Network, samples: Samples, steps: int, provenance: Mapping[str, Any]) -> FloatNetwork:
    """Return `network` as it infers (norms with their running statistics), for inputs like `samples`."""
    plan = network.plan
    populations = tuple(network.float_population(p) for p in plan.populations)
    connections = tuple(
        FloatConnection(
            c.name,
            c.source,
            c.target,
            network.effective_weights(c).detach().double().numpy(),
            c.stride,
            c.padding,
            c.dilation,
            c.groups,
            c.pool,
            "average",
            c.delay,
            network.norm(c).channel_norm(),
        )
        for c in plan.connections
    )
    entry = FloatInput(plan.input.name, plan.input.shape, samples.largest_value, samples.scale)
    return FloatNetwork(entry, populations, connections, steps, dict(provenance))
