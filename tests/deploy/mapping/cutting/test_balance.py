"""A busiest core that does little: against an exact search on small networks, and by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.cutting.balance import balanced, busiest_work, numbers_of_cores
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.memory.block_work import block_work
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI = load_profile("loihi1")
CORES = 4


def few_cores():
    usable = replace(LOIHI.quantity("system.cores_usable_per_chip"), value=CORES)
    return replace(LOIHI, quantities={**LOIHI.quantities, "system.cores_usable_per_chip": usable})


def chain(*sizes):
    populations = []
    for i, n in enumerate(sizes[1:]):
        zeros = np.zeros(n, int)
        populations.append(IntegerPopulation(f"p{i}", (n,), zeros + 9, zeros, zeros, zeros))
    names = ["in", *(p.name for p in populations)]
    connections = tuple(
        IntegerConnection(f"to_{b}", a, b, np.ones((m, n)))
        for a, b, n, m in zip(names, names[1:], sizes, sizes[1:], strict=False)
    )
    return IntegerNetwork(IntegerInput("in", (sizes[0],)), tuple(populations), connections, 1)


def grids(network):
    """Yield every way to cut the populations into runs of equal length."""
    of_each = []
    for p in network.populations:
        (n,) = p.shape
        lengths = sorted({-(-n // k) for k in range(1, n + 1)})
        of_each.append([[Slice(p.name, (a,), (min(a + k, n),)) for a in range(0, n, k)] for k in lengths])
    for grid in product(*of_each):
        yield [block for blocks in grid for block in blocks]


def least_work(blocks, work, best):
    """Return the least work of the busiest of all cores, by branch and bound over the cores of every block."""
    sizes = sorted(map(work.of, blocks), reverse=True)

    def placed(i, cores, found):
        if i == len(sizes):
            return max(cores)
        for core in range(CORES):
            if core and cores[core] == cores[core - 1]:
                continue  # cores that do the same are alike
            if cores[core] + sizes[i] < found:
                more = [*cores]
                more[core] += sizes[i]
                found = min(found, placed(i + 1, sorted(more), found))
        return found

    return placed(0, [0] * CORES, best)


@pytest.mark.parametrize("seed", range(12))
def test_the_busiest_core_does_little_more_than_in_an_exact_search(seed):
    rng = np.random.default_rng(seed)
    network = chain(2, *rng.integers(2, 8, rng.integers(1, 4)).tolist())
    seconds = {p.name: rng.integers(1, 30, p.shape) * 1e-9 for p in network.populations}
    work = block_work(seconds)
    chip = few_cores()
    found = balanced(network, chip, seconds, partition(network, chip), CORES)
    assert check_placement(network, place_on_mesh(network, found, chip), chip) == []
    assert len(found.cores) <= CORES
    exact = 10**12
    for blocks in grids(network):
        exact = least_work(blocks, work, exact)
    # First fit of one order and of the fullest first: a quarter more at most, here.
    assert exact <= busiest_work(found.cores, work) <= 1.25 * exact


def test_neurons_that_work_more_lie_on_more_cores():
    network = chain(2, 8, 8)
    seconds = {"p0": np.full(8, 7e-9), "p1": np.full(8, 1e-9)}
    found = balanced(network, few_cores(), seconds, partition(network, few_cores()), CORES)
    # By hand: 64 ns on four cores are 16 or more; two neurons of p0 are 14, and with two of p1 16.
    assert busiest_work(found.cores, block_work(seconds)) == 16_000
    assert len(partition(network, few_cores()).cores) == 1


def test_all_cores_of_the_chips_are_tried_and_half_as_many_again_and_again():
    network = chain(2, 8)
    fewest = partition(network, few_cores())
    assert len(fewest.cores) == 1
    assert numbers_of_cores(fewest, few_cores(), None) == [4, 2]
    assert numbers_of_cores(fewest, few_cores(), 3) == [12, 6, 3]


def test_the_work_of_blocks_is_the_sum_of_their_neurons():
    rng = np.random.default_rng(0)
    times = rng.integers(1, 50, (4, 5, 6))
    work = block_work({"p": times * 1e-12}).allowing(10**6, 100)
    part = Slice("p", (1, 0, 2), (3, 4, 6))
    assert work.of(part) == times[part.index].sum()
    edges = [[(0, 2), (2, 4)], [(0, 5)], [(0, 3), (3, 6)]]
    assert work.most_of("p", edges) == max(times[slice(*a), slice(*b), slice(*c)].sum() for a, b, c in product(*edges))
    assert work.all_of("p") == times.sum()
    assert not work.within("p", edges)


def test_a_model_with_a_limit_on_work_finds_it_broken():
    network = chain(2, 8)
    model = Model(network, LOIHI).with_work(block_work({"p0": np.full(8, 1e-9)}).allowing(5000, 5000))
    whole, half = Slice("p0", (0,), (8,)), Slice("p0", (0,), (4,))
    assert [broken[:3] for broken in model.over(model.use(whole))] == [("picoseconds of work", 8000, 5000)]
    assert model.over(model.use(half)) == []
