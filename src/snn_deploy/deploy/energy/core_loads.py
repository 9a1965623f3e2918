"""core_loads: how long a spike of each neuron keeps each core of a placement busy; the events are latency.py's."""

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.energy.core_events import compartments
from snn_deploy.deploy.energy.core_operations import CoreOperations, core_operations
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.core_loads import CoreLoads, SpikeLoads
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork


def core_loads(
    network: IntegerNetwork, placement: Placement, profile: HardwareProfile, spikes: Mapping[str, np.ndarray]
) -> CoreLoads:
    """Return the loads of the cores of `placement`.

    spikes: population or input -> (steps, *shape), as mean_spikes gives them; only those of the input are used, which
    training cannot change.
    """
    operation, active, inactive = (
        profile.number(f"latency.{name}") for name in ("synaptic_op", "neuron_update_active", "neuron_update_inactive")
    )
    count = len(placement.cores)
    idle, found = inactive * compartments(network, placement, profile), {}
    operations = core_operations(network, placement, profile)
    for c in network.connections:
        if c.source == network.input.name:
            idle += operation * operations[c.name].of(spikes[c.source]).mean(axis=0)
    for p in network.populations:
        if not p.fires:
            continue
        own = placement.core_of(p.name, p.shape).ravel()
        updates = np.full(own.size, active - inactive)
        seconds = csr_matrix((updates, (own, np.arange(own.size))), (count, own.size))
        for c in network.connections:
            if c.source == p.name:
                seconds = seconds + operation * operations_of_a_spike(operations[c.name], p.shape)
        entries = seconds.tocoo()
        found[p.name] = SpikeLoads(p.shape, entries.row, entries.col, entries.data)
    return CoreLoads(profile.name, idle, found)


def operations_of_a_spike(operations: CoreOperations, shape: tuple[int, ...]) -> csr_matrix:
    """Return how many operations a spike of each neuron of the source, of `shape`, causes on each core.

    (cores, neurons), the transposed of CoreOperations.of.
    """
    cores, neurons, counts = [], [], []
    for block in operations.blocks:
        each = _of_block(operations, block.kernel, block.part.start, block.part.stop, shape).ravel()
        (reached,) = each.nonzero()
        cores.append(np.full(len(reached), block.core))
        neurons.append(reached)
        counts.append(each[reached])
    places = (np.concatenate(cores), np.concatenate(neurons))
    return csr_matrix((np.concatenate(counts), places), (operations.cores, int(np.prod(shape))))


def _of_block(
    operations: CoreOperations, number: int, start: tuple[int, ...], stop: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray:
    """Return the operations of a spike of each neuron, of `shape`, at the target's neurons from `start` to `stop`."""
    c, kernel = operations.connection, operations.counts[number]
    if len(shape) == 1:
        return kernel
    pooled = np.zeros((shape[0], shape[1] // c.pool[0], shape[2] // c.pool[1]))
    if c.weights.ndim == 2:
        pooled += kernel.reshape(pooled.shape)
    else:
        first = operations.groups[number] * len(kernel)
        for y, x in np.ndindex(*kernel.shape[1:]):
            rows, columns = (
                _read(c, axis, tap, range(start[1 + axis], stop[1 + axis]), pooled.shape[1 + axis])
                for axis, tap in enumerate((y, x))
            )
            pooled[first : first + len(kernel), rows, columns] += kernel[:, y, x][:, None, None]
    found = np.zeros(shape)
    spread = pooled.repeat(c.pool[0], axis=1).repeat(c.pool[1], axis=2)
    found[:, : spread.shape[1], : spread.shape[2]] = spread
    return found


def _read(c: IntegerConnection, axis: int, tap: int, targets: range, length: int) -> slice:
    """Return which of `length` positions the `targets` read through one tap of the kernel, without the padding."""
    stride, shift = c.stride[axis], tap * c.dilation[axis] - c.padding[axis]
    first = max(targets.start, -(shift // stride))  # the first that reads a position from 0 on
    stop = min(targets.stop, (length - 1 - shift) // stride + 1)
    if stop <= first:
        return slice(0)
    return slice(first * stride + shift, (stop - 1) * stride + shift + 1, stride)
