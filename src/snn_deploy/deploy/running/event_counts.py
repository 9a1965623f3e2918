"""event_counts: how many synaptic operations spikes cause, and how many a dense network would need.

One synaptic operation is one spike at one synapse: one addition into one target neuron's current
(Davies et al., IEEE Micro 2018; Dspike Sec. 5.4). Which synapses a neuron has: network/fan_out.py.
"""

import numpy as np

from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.network.fan_out import fan_out
from snn_deploy.network.integer_network import IntegerNetwork


def synaptic_operations(network: IntegerNetwork, spike_sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return connection -> (samples,), the synaptic operations that the spikes cause.

    spike_sums: population or input -> (samples, *shape), each neuron's spikes summed over the steps; for a
    graded input, the number of steps in which its value is not zero.
    """
    counts = {}
    for connection in network.connections:
        fans = fan_out(connection, network.shape_of(connection.source)).ravel()
        sums = spike_sums[connection.source]
        counts[connection.name] = sums.reshape(len(sums), -1).astype(np.int64) @ fans
    return counts


def multiply_accumulates(network: IntegerNetwork) -> dict[str, int]:
    """Return connection -> multiply-accumulates of one dense pass, as an equal ANN would do for one sample."""
    return {
        c.name: int(fan_out(c, network.shape_of(c.source)).sum()) // (c.pool[0] * c.pool[1])
        for c in network.connections
    }


def simulation_from_spikes(
    network: IntegerNetwork,
    outputs: np.ndarray,
    spikes: dict[str, np.ndarray],
    *,
    record: bool,
    outputs_by_step: np.ndarray | None = None,
) -> Simulation:
    """Return the Simulation of a backend that has every spike: name -> (steps, samples, *shape)."""
    sums = {name: np.count_nonzero(s, axis=0) for name, s in spikes.items()}
    return Simulation(
        outputs=outputs,
        spike_counts={name: s.reshape(len(s), -1).sum(axis=1) for name, s in sums.items()},
        synaptic_operations=synaptic_operations(network, sums),
        spikes=spikes if record else None,
        outputs_by_step=outputs_by_step,
    )
