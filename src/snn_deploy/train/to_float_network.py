"""to_float_network: a network in training becomes plain data."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn_deploy.train.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.train.samples import Samples
from snn_deploy.train.spiking_network import SpikingNetwork


def to_float_network(
    network: SpikingNetwork, samples: Samples, steps: int, provenance: Mapping[str, Any]
) -> FloatNetwork:
    """Return `network` as it infers (norms with their running statistics), for inputs like `samples`."""
    plan, neuron = network.plan, network.neuron
    populations = tuple(
        FloatPopulation(
            p.name,
            p.shape,
            threshold=np.asarray(neuron.threshold),
            voltage_keep=np.asarray(network.neuron_of(p).voltage_keep if p.fires else 1.0),
            current_keep=np.asarray(0.0),
            fires=p.fires,
            fires_at_threshold=neuron.fires_at_threshold,
        )
        for p in plan.populations
    )
    connections = tuple(
        FloatConnection(
            c.name,
            c.source,
            c.target,
            network.used_weights(c).detach().double().numpy(),
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
