"""event_counts: how many synaptic operations spikes cause, and how many a dense network would need.

One synaptic operation is one spike at one synapse: one addition into one target neuron's current
(Davies et al., IEEE Micro 2018; Dspike Sec. 5.4). Synapses that end in the padding do not exist;
synapses of weight zero do. A pooled source neuron has the synapses of the window it belongs to.
"""

import numpy as np

from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.network.connection_arithmetic import output_length
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork


def fan_out(connection: IntegerConnection, source_shape: tuple[int, ...]) -> np.ndarray:
    """Return the number of synapses of each source neuron, int64 of shape `source_shape`."""
    fans = np.zeros(source_shape, np.int64)
    weights = connection.weights
    channels = source_shape[0]
    if len(source_shape) == 1:
        fans[:] = weights.shape[0]
        return fans
    height, width = (size // window for size, window in zip(source_shape[1:], connection.pool, strict=True))
    if weights.ndim == 2:
        pooled = np.full((channels, height, width), weights.shape[0], np.int64)
    else:
        rows = _synapses_per_position(height, weights.shape[2], connection, axis=0)
        columns = _synapses_per_position(width, weights.shape[3], connection, axis=1)
        targets_per_tap = weights.shape[0] // connection.groups
        pooled = np.broadcast_to(np.outer(rows, columns) * targets_per_tap, (channels, height, width))
    spread = pooled.repeat(connection.pool[0], axis=1).repeat(connection.pool[1], axis=2)
    fans[:, : spread.shape[1], : spread.shape[2]] = spread
    return fans


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
    network: IntegerNetwork, outputs: np.ndarray, spikes: dict[str, np.ndarray], *, record: bool
) -> Simulation:
    """Return the Simulation of a backend that has every spike: name -> (steps, samples, *shape)."""
    sums = {name: np.count_nonzero(s, axis=0) for name, s in spikes.items()}
    return Simulation(
        outputs=outputs,
        spike_counts={name: s.reshape(len(s), -1).sum(axis=1) for name, s in sums.items()},
        synaptic_operations=synaptic_operations(network, sums),
        spikes=spikes if record else None,
    )


def _synapses_per_position(length: int, kernel: int, connection: IntegerConnection, axis: int) -> np.ndarray:
    """Return how many (tap, output) pairs read each of `length` source positions along one axis."""
    stride, padding, dilation = connection.stride[axis], connection.padding[axis], connection.dilation[axis]
    outputs = output_length(length, kernel, stride, padding, dilation)
    read = (np.arange(outputs)[:, None] * stride + np.arange(kernel) * dilation - padding).ravel()
    return np.bincount(read[(read >= 0) & (read < length)], minlength=length)
