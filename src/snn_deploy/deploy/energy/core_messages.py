"""core_messages: the spikes that go from core to core, and the links of the mesh that they cross.

A spike is sent once to every core that has an axon for it, beside its own (core_traffic.py). Neurons of one core that
the same cores hear are one group: what its spikes send is the same for each, so everything is a sum over groups.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.cores.mesh import mesh_tiles, position
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.deploy.mapping.placing.core_traffic import listeners_of
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork


@dataclass(frozen=True)
class CoreMessages:
    """What spikes of one population send.

    members: (neurons, groups), 1 where a neuron belongs to a group. Of one spike of each group: sent, messages;
    east_west, north_south, hops on a chip; borders, between chips that it crosses; links, (links, groups), how often it
    crosses each link between neighbouring tiles, of two chips too; farthest: the hops of the longest route of all
    groups, (east-west, north-south).
    """

    members: csr_matrix
    sent: np.ndarray
    east_west: np.ndarray
    north_south: np.ndarray
    borders: np.ndarray
    links: csr_matrix
    farthest: tuple[int, int]

    def spikes_of_groups(self, spikes: np.ndarray) -> np.ndarray:
        """Return (n, groups) of spikes (n, *shape of the population)."""
        found: np.ndarray = (self.members.T @ spikes.reshape(len(spikes), -1).T.astype(np.float64)).T
        return found


def core_messages(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> dict[str, CoreMessages]:
    """Return population -> what its spikes send between the cores of `placement`."""
    places = np.array([position(profile, core.chip, core.tile) for core in placement.cores])
    chips = np.array([core.chip for core in placement.cores])
    width, height = mesh_tiles(profile)
    slices = [core.slices for core in placement.cores]
    found = {}
    for p in network.populations:
        core_of = placement.core_of(p.name, p.shape).ravel()
        heard = listeners_of(network, p.name, slices)
        group_of, first = _groups(heard, core_of)
        members = csr_matrix((np.ones(len(core_of)), (np.arange(len(core_of)), group_of)), (len(core_of), len(first)))
        pairs = heard[first].tocoo()
        abroad = pairs.col != core_of[first][pairs.row]
        group, axons = pairs.row[abroad], pairs.data[abroad]
        start, stop = places[core_of[first][group]], places[pairs.col[abroad]]
        hops = np.abs(stop - start)
        borders = np.abs(chips[pairs.col[abroad]] - chips[core_of[first][group]])  # chips lie in a row
        longest = hops[hops.sum(axis=1).argmax()] if len(hops) else (0, 0)
        found[p.name] = CoreMessages(
            members,
            np.bincount(group, weights=axons, minlength=len(first)),
            np.bincount(group, weights=axons * (hops[:, 0] - borders), minlength=len(first)),
            np.bincount(group, weights=axons * hops[:, 1], minlength=len(first)),
            np.bincount(group, weights=axons * borders, minlength=len(first)),
            _links((group, axons, start, stop), len(first), width * placement.chips, height),
            (int(longest[0]), int(longest[1])),
        )
    return found


def _groups(heard: csr_matrix, core_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the group of each neuron, and one neuron of each group."""
    heard.sort_indices()
    numbers: dict[tuple[int, bytes, bytes], int] = {}
    group_of = np.zeros(len(core_of), np.int64)
    first: list[int] = []
    for neuron, core in enumerate(core_of.tolist()):
        here = slice(heard.indptr[neuron], heard.indptr[neuron + 1])
        key = (core, heard.indices[here].tobytes(), heard.data[here].tobytes())
        if key not in numbers:
            numbers[key] = len(first)
            first.append(neuron)
        group_of[neuron] = numbers[key]
    return group_of, np.array(first)


def _links(
    routes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], groups: int, width: int, height: int
) -> csr_matrix:
    """Return (links, groups): how often a spike of each group crosses each link, along its row first (XY routing).

    routes: group, axons, start and stop of each. Links in rows of tiles come first, then those in columns.
    """
    group, axons, start, stop = routes
    in_rows = height * (width - 1)
    link, column, times = [], [], []
    for axis in (0, 1):
        hops = np.abs(stop[:, axis] - start[:, axis])
        route = np.repeat(np.arange(len(hops)), hops)
        passed = np.arange(len(route)) - np.repeat(np.cumsum(hops) - hops, hops)
        near = np.minimum(start[route, axis], stop[route, axis]) + passed  # the link between this tile and the next
        link.append(
            start[route, 1] * (width - 1) + near if axis == 0 else in_rows + stop[route, 0] * (height - 1) + near
        )
        column.append(group[route])
        times.append(axons[route])
    where = (np.concatenate(link), np.concatenate(column))
    return csr_matrix((np.concatenate(times), where), (in_rows + width * (height - 1), groups))
