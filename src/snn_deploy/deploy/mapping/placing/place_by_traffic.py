"""place_by_traffic: cores at the sites of the mesh that make their spikes go few hops, by simulated annealing.

Where to place cores is a quadratic assignment problem (Koopmans and Beckmann 1957). Two cores, or a core and a free
site, change places; what makes the way longer is accepted with a probability that falls to nothing (Kirkpatrick et al.,
Science 1983). The start is the order of place_on_mesh, and nothing worse is ever returned.
"""

from collections.abc import Sequence
from dataclasses import replace

import numba
import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.cores.mesh import core_sites, position
from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement
from snn_deploy.hardware_profiles.profile import HardwareProfile

_CHUNK = 50_000
_VISITS = 3_000_000_000  # a guess, about a quarter of a minute: neighbours of moved cores that are looked at in all
_MOST_TRIALS, _FEWEST_TRIALS = 10_000, 60  # guesses, for each core
_WARM = 0.25  # a guess: the first temperature, in what a random exchange changes; 0.05 and 1 did much the same


def spike_hops(placement: Placement, traffic: csr_matrix, profile: HardwareProfile) -> float:
    """Return the hops of all spikes of a sample: each times the tiles between its cores, along rows and columns.

    traffic: spikes from core to core, (cores, cores), in the order of the placement's cores.
    """
    places = np.array([position(profile, core.chip, core.tile) for core in placement.cores])
    pairs = traffic.tocoo()
    distance = np.abs(places[pairs.row] - places[pairs.col]).sum(axis=1)
    return float(pairs.data @ distance)


def place_by_traffic(start: Placement, traffic: csr_matrix, profile: HardwareProfile, seed: int = 0) -> Placement:
    """Return `start` with its cores at sites of the same chips, so that spikes go fewer hops; never more.

    traffic: spikes from core to core, (cores, cores), in the order of the placement's cores.
    """
    sites = core_sites(profile, max(core.chip for core in start.cores) + 1)
    number = {site: i for i, site in enumerate(sites)}
    taken = [number[core.chip, core.tile, core.core] for core in start.cores]
    free = sorted(set(range(len(sites))) - set(taken))
    order = np.array([*taken, *free])  # cores first, then the free sites
    places = np.array([position(profile, chip, tile) for chip, tile, _ in sites])
    found = _anneal(order, len(taken), (traffic + traffic.T).tocsr(), places, np.random.default_rng(seed))
    placement = _moved(start, [sites[i] for i in found[: len(taken)]])
    before, after = (spike_hops(p, traffic, profile) for p in (start, placement))
    return placement if after < before else start


def _moved(start: Placement, sites: Sequence[tuple[int, tuple[int, int], int]]) -> Placement:
    cores = (PlacedCore(*site, core.slices) for site, core in zip(sites, start.cores, strict=True))
    return replace(start, cores=tuple(cores))


def _anneal(
    start: np.ndarray, cores: int, both_ways: csr_matrix, places: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the site of each core. both_ways: spikes between two cores in either direction."""
    rows = np.append(both_ways.indptr, np.full(len(start) - cores, both_ways.indptr[-1])).astype(np.int64)
    graph = (rows, both_ways.indices.astype(np.int64), both_ways.data.astype(np.float64))
    if cores < 2 or not len(graph[2]):
        return start
    neighbours = len(graph[2]) / cores
    trials = int(np.clip(_VISITS / (2 * neighbours), _FEWEST_TRIALS * cores, _MOST_TRIALS * cores))
    site, probe = start.copy(), start.copy()
    typical = _exchange(probe, places, *graph, *_pairs(rng, cores, len(start), 200), np.full(200, np.inf))[1]
    best, best_cost, cost, done = site.copy(), 0.0, 0.0, 0
    while done < trials:
        count = min(_CHUNK, trials - done)
        left = 1 - (done + np.arange(count)) / trials
        temperature = _WARM * typical * np.maximum(left - 0.1, 0) ** 2  # the last tenth only goes down
        worse = temperature * rng.exponential(size=count)
        cost += _exchange(site, places, *graph, *_pairs(rng, cores, len(start), count), worse)[0]
        done += count
        if cost < best_cost:
            best, best_cost = site.copy(), cost
    return best


def _pairs(rng: np.random.Generator, cores: int, all_seats: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, cores, count), rng.integers(0, all_seats, count)


@numba.njit(cache=True, nogil=True)
def _exchange(site, places, rows, columns, spikes, first, second, worse):  # type: ignore[no-untyped-def]  # numba infers
    """Exchange cores in place where that adds at most `worse`; return the change, and the mean size of a change."""
    total, sizes = 0.0, 0.0
    for n in range(len(first)):
        a, b = first[n], second[n]
        if a == b:
            continue
        here, there = places[site[a]], places[site[b]]
        change = 0.0
        for core, old, new in ((a, here, there), (b, there, here)):
            for k in range(rows[core], rows[core + 1]):
                other = columns[k]
                if other not in (a, b):  # the way between the two stays as long as it is
                    place = places[site[other]]
                    far = abs(new[0] - place[0]) + abs(new[1] - place[1])
                    near = abs(old[0] - place[0]) + abs(old[1] - place[1])
                    change += spikes[k] * (far - near)
        sizes += abs(change)
        if change <= worse[n]:
            site[a], site[b] = site[b], site[a]
            total += change
    return total, sizes / len(first)
