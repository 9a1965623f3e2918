"""place_by_traffic: cores in the seats of the mesh that make their spikes go few hops, by simulated annealing.

Where to seat cores is a quadratic assignment problem (Koopmans and Beckmann 1957). Two cores, or a core and a free
seat, change places; what makes the way longer is accepted with a probability that falls to nothing (Kirkpatrick et al.,
Science 1983). The start is the snake of place_on_mesh, and nothing worse is ever returned.
"""

from collections.abc import Sequence

import numba
import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.cores.mesh import position, seats
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


def place_by_traffic(snake: Placement, traffic: csr_matrix, profile: HardwareProfile, seed: int = 0) -> Placement:
    """Return `snake` with its cores in seats of the same chips, so that spikes go fewer hops; never more.

    traffic: spikes from core to core, (cores, cores), in the order of the placement's cores.
    """
    chairs = seats(profile, max(core.chip for core in snake.cores) + 1)
    number = {seat: i for i, seat in enumerate(chairs)}
    taken = [number[core.chip, core.tile, core.core] for core in snake.cores]
    free = sorted(set(range(len(chairs))) - set(taken))
    start = np.array([*taken, *free])  # cores first, then nobody in each free seat
    places = np.array([position(profile, chip, tile) for chip, tile, _ in chairs])
    found = _anneal(start, len(taken), (traffic + traffic.T).tocsr(), places, np.random.default_rng(seed))
    placement = _seated(snake, [chairs[i] for i in found[: len(taken)]])
    before, after = (spike_hops(p, traffic, profile) for p in (snake, placement))
    return placement if after < before else snake


def _seated(snake: Placement, chairs: Sequence[tuple[int, tuple[int, int], int]]) -> Placement:
    cores = (PlacedCore(*seat, core.slices) for seat, core in zip(chairs, snake.cores, strict=True))
    return Placement(snake.network_digest, snake.profile, tuple(cores))


def _anneal(
    start: np.ndarray, cores: int, both_ways: csr_matrix, places: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the seat of each core. both_ways: spikes between two cores in either direction."""
    rows = np.append(both_ways.indptr, np.full(len(start) - cores, both_ways.indptr[-1])).astype(np.int64)
    graph = (rows, both_ways.indices.astype(np.int64), both_ways.data.astype(np.float64))
    if cores < 2 or not len(graph[2]):
        return start
    neighbours = len(graph[2]) / cores
    trials = int(np.clip(_VISITS / (2 * neighbours), _FEWEST_TRIALS * cores, _MOST_TRIALS * cores))
    seat, probe = start.copy(), start.copy()
    typical = _exchange(probe, places, *graph, *_pairs(rng, cores, len(start), 200), np.full(200, np.inf))[1]
    best, best_cost, cost, done = seat.copy(), 0.0, 0.0, 0
    while done < trials:
        count = min(_CHUNK, trials - done)
        left = 1 - (done + np.arange(count)) / trials
        temperature = _WARM * typical * np.maximum(left - 0.1, 0) ** 2  # the last tenth only goes down
        worse = temperature * rng.exponential(size=count)
        cost += _exchange(seat, places, *graph, *_pairs(rng, cores, len(start), count), worse)[0]
        done += count
        if cost < best_cost:
            best, best_cost = seat.copy(), cost
    return best


def _pairs(rng: np.random.Generator, cores: int, all_seats: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, cores, count), rng.integers(0, all_seats, count)


@numba.njit(cache=True, nogil=True)
def _exchange(seat, places, rows, columns, spikes, first, second, worse):  # type: ignore[no-untyped-def]  # numba infers
    """Exchange cores in place where that adds at most `worse`; return the change, and the mean size of a change."""
    total, sizes = 0.0, 0.0
    for n in range(len(first)):
        a, b = first[n], second[n]
        if a == b:
            continue
        here, there = places[seat[a]], places[seat[b]]
        change = 0.0
        for core, old, new in ((a, here, there), (b, there, here)):
            for k in range(rows[core], rows[core + 1]):
                other = columns[k]
                if other not in (a, b):  # the way between the two stays as long as it is
                    place = places[seat[other]]
                    far = abs(new[0] - place[0]) + abs(new[1] - place[1])
                    near = abs(old[0] - place[0]) + abs(old[1] - place[1])
                    change += spikes[k] * (far - near)
        sizes += abs(change)
        if change <= worse[n]:
            seat[a], seat[b] = seat[b], seat[a]
            total += change
    return total, sizes / len(first)
