"""core_events: what happens on every core and link in every step of one sample, the mean over measured samples."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.mapping.cores.mesh import position
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic
from snn_deploy.deploy.mapping.placing.link_loads import link_loads
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.connection_arithmetic import sum_pool, transmit
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation

_GROUP = 4  # compartments are updated in groups: NL hardware/builder.py:282-287, `model.estimate.n_alloc` of loihi1


@dataclass(frozen=True)
class CoreEvents:
    """Events of one sample. Steps are the network's, without the one that each layer comes later on a chip.

    operations: connection -> synaptic operations. core_operations, core_spikes: (steps, cores), those at the core's
    synapses and those of its neurons. compartments: (cores,), allocated, in whole groups of four. neurons: of them,
    those of the network. messages: spikes from core to core, once for each core that hears one. hops_east_west,
    hops_north_south: of all messages. busiest_links: (steps,), spikes over the busiest link. farthest: hops of the
    longest route, (east-west, north-south). depth: layers from the input to the output.
    """

    operations: Mapping[str, float]
    core_operations: np.ndarray
    core_spikes: np.ndarray
    compartments: np.ndarray
    neurons: int
    messages: float
    hops_east_west: float
    hops_north_south: float
    busiest_links: np.ndarray
    farthest: tuple[int, int]
    depth: int
    chips: int

    @property
    def steps(self) -> int:
        """Of the network."""
        return len(self.core_operations)


def core_events(
    network: IntegerNetwork, placement: Placement, spikes: Mapping[str, np.ndarray], profile: HardwareProfile
) -> CoreEvents:
    """Return the events of `network` on the cores of `placement`. spikes: as mean_spikes gives them."""
    cores = len(placement.cores)
    core_of = {p.name: placement.core_of(p.name, p.shape) for p in network.populations}
    operations, per_core = {}, np.zeros((network.steps, cores))
    for c in network.connections:
        arriving = arriving_operations(c, spikes[c.source], network.shape_of(c.target))
        operations[c.name] = float(arriving.sum())
        for step in range(c.delay, network.steps):  # what is still on its way at the end arrives nowhere
            per_core[step] += _by_core(arriving[step - c.delay], core_of[c.target], cores)
    fired = np.zeros((network.steps, cores))
    used = np.zeros(cores)
    for p in network.populations:
        for step in range(network.steps):
            fired[step] += _by_core(spikes[p.name][step], core_of[p.name], cores)
        used += _by_core(np.full(p.shape, _compartments(p, profile)), core_of[p.name], cores)
    slices = [core.slices for core in placement.cores]
    east_west = north_south = messages = 0.0
    busiest = np.zeros(network.steps)
    for step in range(network.steps):
        traffic = core_traffic(network, slices, {p.name: spikes[p.name][step] for p in network.populations})
        rows, columns = link_loads(placement, traffic, profile)
        messages += float(traffic.sum())
        east_west, north_south = east_west + float(rows.sum()), north_south + float(columns.sum())
        busiest[step] = max((float(loads.max()) for loads in (rows, columns) if loads.size), default=0.0)
    return CoreEvents(
        operations=operations,
        core_operations=per_core,
        core_spikes=fired,
        compartments=(_GROUP * np.ceil(used / _GROUP)).astype(np.int64),
        neurons=sum(math.prod(p.shape) for p in network.populations),
        messages=messages,
        hops_east_west=east_west,
        hops_north_south=north_south,
        busiest_links=busiest,
        farthest=_farthest(network, placement, profile),
        depth=_depth(network),
        chips=placement.chips,
    )


def arriving_operations(c: IntegerConnection, spikes: np.ndarray, target: tuple[int, ...]) -> np.ndarray:
    """Return the synaptic operations at each target neuron, (steps, *target), of `spikes` (steps, *source shape)."""
    if c.weights.ndim == 2:
        pooled = sum_pool(spikes, c.pool) if spikes.ndim == 4 else spikes
        total = pooled.reshape(len(spikes), -1).sum(axis=1)
        return np.broadcast_to(total.reshape(-1, *[1] * len(target)), (len(spikes), *target))
    ones = np.ones((c.groups, *c.weights.shape[1:]))  # the channels of a group get the same
    of_groups = transmit(
        spikes, ones, stride=c.stride, padding=c.padding, dilation=c.dilation, groups=c.groups, pool=c.pool
    )
    return of_groups.repeat(target[0] // c.groups, axis=1)


def _by_core(values: np.ndarray, core_of: np.ndarray, cores: int) -> np.ndarray:
    return np.bincount(core_of.ravel(), weights=values.ravel(), minlength=cores)


def _compartments(p: IntegerPopulation, profile: HardwareProfile) -> int:
    """Return how many compartments a neuron takes: a subtracting reset may need a second one."""
    programmable, soft = profile.find("neuron.programmable"), profile.find("neuron.soft_reset_compartments")
    if p.reset != "subtract" or soft is None or (programmable is not None and programmable.value):
        return 1
    return profile.whole("neuron.soft_reset_compartments")


def _farthest(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> tuple[int, int]:
    """Return the hops of the longest route between cores that talk to each other."""
    pairs = core_traffic(network, [core.slices for core in placement.cores]).tocoo()
    if not pairs.nnz:
        return 0, 0
    places = np.array([position(profile, core.chip, core.tile) for core in placement.cores])
    hops = np.abs(places[pairs.row] - places[pairs.col])
    longest = hops[hops.sum(axis=1).argmax()]
    return int(longest[0]), int(longest[1])


def _depth(network: IntegerNetwork) -> int:
    """Return the connections on the longest way forward from the input to the output."""
    depth = {network.input.name: 0}
    for p in network.populations:
        forward = [depth[c.source] for c in network.connections_to(p.name) if c.source in depth]
        depth[p.name] = 1 + max(forward, default=0)
    return max(depth.values())
