"""neuron_times: how long each neuron keeps its core busy in a step, for a mapping that balances this over cores.

Every neuron is updated in every step, one that fires takes longer, and so does each operation of an arriving spike;
the profile has the time of each. latency.py counts the same events on the cores of a placement.
"""

from collections.abc import Mapping

import numpy as np

from snn_deploy.deploy.mapping.memory.synapse_memory import DENSE_FROM
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork


def neuron_times(
    network: IntegerNetwork, spikes: Mapping[str, np.ndarray], profile: HardwareProfile
) -> dict[str, np.ndarray]:
    """Return population -> seconds of each neuron in a step, the mean over the steps, of its shape.

    spikes: population or input -> spikes of each neuron in each step, (steps, *shape), as mean_spikes gives them.
    """
    operation, active, inactive = (
        profile.number(f"latency.{name}") for name in ("synaptic_op", "neuron_update_active", "neuron_update_inactive")
    )
    mean = {name: counts.mean(axis=0) for name, counts in spikes.items()}
    found = {}
    for p in network.populations:
        times = inactive + mean[p.name] * (active - inactive)
        for c in network.connections_to(p.name):
            times = times + operation * _operations(c, mean[c.source])
        found[p.name] = times
    return found


def _operations(c: IntegerConnection, spikes: np.ndarray) -> np.ndarray:
    """Return the operations that `spikes` cause at each neuron of the target; one, or its shape.

    Weights with many zeros are taken to be stored without them, which each block decides for itself when it is cut.
    Others are stored with their zeros, so that all channels of a group get the same.
    """
    stored = c.weights != 0
    options = {"stride": c.stride, "padding": c.padding, "dilation": c.dilation, "pool": c.pool}
    if np.count_nonzero(stored) < DENSE_FROM * stored.size:
        return transmit(spikes[None], stored.astype(np.float64), groups=c.groups, **options)[0]
    each = np.ones((c.groups if stored.ndim == 4 else 1, *stored.shape[1:]))
    of_group = transmit(spikes[None], each, groups=c.groups, **options)[0]
    return np.repeat(of_group, len(stored) // len(of_group), axis=0)
