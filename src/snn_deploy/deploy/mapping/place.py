"""place: a network on the cores of a chip: cut into blocks that fit, placed where its spikes go few hops."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.cores.placement import Placement, Storage
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition, require_fit
from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic
from snn_deploy.deploy.mapping.placing.place_by_traffic import place_by_traffic, spike_hops
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork


@dataclass(frozen=True)
class PlacedNetwork:
    """A network on cores.

    partition: the parts on each core and what they need. traffic: spikes a sample from core to core, (cores, cores).
    placement: where each core lies. hops, hops_in_layer_order: of all spikes of a sample, there and with the cores in
    the order of the layers.
    """

    partition: Partition
    traffic: csr_matrix
    placement: Placement
    hops: float
    hops_in_layer_order: float


def place(
    network: IntegerNetwork,
    profile: HardwareProfile,
    spikes: Mapping[str, np.ndarray] | None = None,
    *,
    parts: Partition | None = None,
    storage: Storage = "nengo-loihi",
    seed: int = 0,
) -> PlacedNetwork:
    """Return `network` on the cores of `profile`; a network that does not fit is a UserError.

    Whether the chip can do what its neurons do is check_on_chip's question.

    spikes: population -> spikes of each neuron in each step, (steps, *shape), as mean_spikes gives them; without them
    each neuron is assumed to fire once. parts: the network's partition, where the caller has it. storage: how kernels
    are stored in synapse memory, where there are no `parts` yet. seed: of the search.
    """
    parts = parts or partition(network, profile, storage)
    require_fit(parts)
    sums = None if spikes is None else {p.name: spikes[p.name].sum(axis=0) for p in network.populations}
    traffic = core_traffic(network, parts.cores, sums)
    in_order = place_on_mesh(network, parts, profile)
    placement = place_by_traffic(in_order, traffic, profile, seed)
    hops, before = (spike_hops(p, traffic, profile) for p in (placement, in_order))
    return PlacedNetwork(parts, traffic, placement, hops, before)
