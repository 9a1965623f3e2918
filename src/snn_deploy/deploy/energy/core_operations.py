"""core_operations: the synaptic operations that spikes cause on each core of a placement.

An operation is a spike at a synapse that the core's memory holds. A dense list holds zeros too, a sparse one does not,
and a list without weights is not stored at all, so what counts depends on the encoding that the core has for a
connection (synapse_memory.py).
"""

from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Placement, Slice
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.connection_arithmetic import sum_pool, transmit
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork


@dataclass(frozen=True)
class _Block:
    """Neurons of one core that a connection reaches. kernel: which of the connection's counting kernels is theirs."""

    core: int
    kernel: int
    part: Slice


@dataclass(frozen=True)
class CoreOperations:
    """How one connection loads the cores.

    counts: how many synapses of the block's channels each kernel element of each input has: (kernels, in / groups,
    height, width) of a convolution, (kernels, in) of a dense connection. groups: of each kernel, its group of inputs.
    """

    connection: IntegerConnection
    counts: np.ndarray
    groups: tuple[int, ...]
    blocks: tuple[_Block, ...]
    cores: int

    def of(self, spikes: np.ndarray) -> np.ndarray:
        """Return the operations of `spikes` (n, *source shape) on each core: (n, cores)."""
        found = np.zeros((len(spikes), self.cores))
        maps = self._maps(spikes)
        for block in self.blocks:
            if maps[block.kernel].ndim == 1:  # each neuron of the block gets the same list
                found[:, block.core] += maps[block.kernel]
                continue
            rows, columns = (slice(a, b) for a, b in zip(block.part.start[1:], block.part.stop[1:], strict=True))
            found[:, block.core] += maps[block.kernel][:, rows, columns].sum(axis=(1, 2))
        return found

    def _maps(self, spikes: np.ndarray) -> list[np.ndarray]:
        """Return of each kernel the operations of all its channels: (n, height, width), or (n,) of a dense one."""
        c, counted = self.connection, spikes.astype(np.float64)
        if c.weights.ndim == 2:
            pooled = sum_pool(counted, c.pool) if counted.ndim == 4 else counted
            return list((pooled.reshape(len(pooled), -1) @ self.counts.T).T)
        inputs = c.weights.shape[1]
        return [
            transmit(
                counted[:, group * inputs : (group + 1) * inputs],
                kernel[None],
                stride=c.stride,
                padding=c.padding,
                dilation=c.dilation,
                pool=c.pool,
            )[:, 0]
            for group, kernel in zip(self.groups, self.counts, strict=True)
        ]


def core_operations(
    network: IntegerNetwork, placement: Placement, profile: HardwareProfile
) -> dict[str, CoreOperations]:
    """Return connection -> how it loads the cores of `placement`."""
    found = {}
    model = Model(network, profile, storage=placement.storage)
    needs = [model.needs(placed.slices) for placed in placement.cores]
    for c in network.connections:
        stored = c.weights != 0
        per_group = len(c.weights) // c.groups
        kernels: dict[tuple[int, int, str], int] = {}
        counts: list[np.ndarray] = []
        groups: list[int] = []
        blocks: list[_Block] = []
        for core, placed in enumerate(placement.cores):
            for part, need in zip(placed.slices, needs[core], strict=True):
                if part.population != c.target:
                    continue
                encoding = need.encodings[c.name]
                for group in range(part.start[0] // per_group, (part.stop[0] - 1) // per_group + 1):
                    first = max(part.start[0], group * per_group)
                    stop = min(part.stop[0], (group + 1) * per_group)
                    key = (first, stop, encoding)
                    if key not in kernels:
                        kernels[key] = len(counts)
                        counts.append(_counted(stored[first:stop], encoding))
                        groups.append(group)
                    blocks.append(_Block(core, kernels[key], part))
        found[c.name] = CoreOperations(c, np.array(counts), tuple(groups), tuple(blocks), len(placement.cores))
    return found


def operations_of_weights(network: IntegerNetwork) -> dict[str, CoreOperations]:
    """Return connection -> the operations at its weights that are not 0, as if one core held all of its target."""
    found = {}
    for c in network.connections:
        shape, per_group = network.shape_of(c.target), len(c.weights) // c.groups
        whole = Slice(c.target, (0,) * len(shape), shape)
        grouped = [c.weights[g * per_group : (g + 1) * per_group] != 0 for g in range(c.groups)]
        counts = np.array([_counted(stored, "sparse") for stored in grouped])
        blocks = tuple(_Block(0, g, whole) for g in range(c.groups))
        found[c.name] = CoreOperations(c, counts, tuple(range(c.groups)), blocks, 1)
    return found


def _counted(stored: np.ndarray, encoding: str) -> np.ndarray:
    """Return how many synapses each kernel element of each input has: (in / groups, ...) of (out, in / groups, ...)."""
    here: np.ndarray = stored.sum(axis=0).astype(np.float64)
    if encoding == "sparse":
        return here
    is_list = here.reshape(len(here), -1).any(axis=1).reshape(-1, *[1] * (here.ndim - 1))
    return np.where(is_list, float(len(stored)), 0.0) * np.ones_like(here)
