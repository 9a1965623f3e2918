import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.loops import slow_enough

from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.cores.placement import STORAGES, Slice
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.cutting.split_placed import split_placed
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

LOIHI = load_profile("loihi1")


def small_chip(**values):
    changed = {f"core.{n}": replace(LOIHI.quantity(f"core.{n}"), value=v) for n, v in values.items()}
    return replace(LOIHI, quantities={**LOIHI.quantities, **changed})


def one_layer(shape, weights, target, **options):
    channels = np.zeros(target[0], int)
    population = IntegerPopulation("out", target, channels + 9, channels, channels, channels)
    return IntegerNetwork(
        IntegerInput("in", shape), (population,), (IntegerConnection("w", "in", "out", weights, **options),), 1
    )


LOIHI_2 = load_profile("loihi2")
SMALL = small_chip(max_neurons=9, max_out_axons=80, synapse_memory_words=300)


@pytest.mark.parametrize("seed", slow_enough(range(40)))
@pytest.mark.parametrize(
    ("chip", "storage"),
    [(LOIHI, "nengo-loihi"), (LOIHI_2, "nengo-loihi"), *((SMALL, storage) for storage in STORAGES)],
    ids=["loihi1", "loihi2", *(f"small-{storage}" for storage in STORAGES)],
)
def test_what_is_placed_breaks_no_limit_and_fires_the_same_spikes(seed, chip, storage):
    network = random_network(seed)
    found = partition(network, chip, storage)
    if found.violations:
        assert all(v.needed > v.allowed for v in found.violations)
        return
    placement = place_on_mesh(network, found, chip)
    assert check_placement(network, placement, chip) == []
    frames = as_frames(network, random_inputs(network, 2, seed))
    split = split_placed(network, placement)
    spikes = split.together(integer_semantics.run(split.network, frames).spikes)
    for name, expected in integer_semantics.run(network, frames).spikes.items():
        np.testing.assert_array_equal(spikes[name], expected)
    if len(placement.cores) > 1:
        less = replace(placement, cores=placement.cores[1:])
        assert check_placement(network, less, chip) != []


def is_without_loops(network):
    order = [network.input.name, *(p.name for p in network.populations)]
    return all(order.index(c.source) < order.index(c.target) for c in network.connections)


@pytest.mark.parametrize("seed", [seed for seed in range(40) if is_without_loops(random_network(seed))])
@pytest.mark.parametrize("chip", [LOIHI, SMALL], ids=["loihi1", "small"])
def test_no_more_cores_than_a_greedy_cut(seed, chip, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[4] / "benchmarks")
    greedy = importlib.import_module("mapping").greedy
    network = random_network(seed)
    cores = greedy(network, chip)[1]
    found = partition(network, chip)
    assert bool(found.violations) <= (cores == "-")
    if cores != "-":
        assert len(found.cores) <= cores


def test_of_unlike_neurons_the_one_that_does_not_fit_is_told():
    weights = np.zeros((6, 40))
    weights[4, :30] = weights[5] = 77
    network = one_layer((40,), weights, (6,))
    need = Model(network, LOIHI).need(Slice("out", (5,), (6,))).amounts["synapse words"]
    chip = small_chip(synapse_memory_words=need - 1)
    (violation,) = partition(network, chip).violations
    assert (violation.resource, violation.needed) == ("synapse words", need)


def test_the_checker_finds_a_core_that_is_too_full():
    network = one_layer((4,), np.ones((12, 4)), (12,))
    placement = place_on_mesh(network, partition(network, LOIHI), LOIHI)
    assert any("max_neurons" in w for w in check_placement(network, placement, small_chip(max_neurons=11)))
    assert any("max_in_axons" in w for w in check_placement(network, placement, small_chip(max_in_axons=3)))


def test_a_dense_box_needs_the_words_that_the_formula_gives():
    # By hand: 37 neurons an axon are 1 * (10 + 6) + 37 * 8 = 312 bits, 5 words; 312 % 64 = 56 needs no more.
    use = Model(one_layer((100,), np.full((37, 100), 127), (37,)), LOIHI).use(Slice("out", (0,), (37,)))
    assert (use["neurons"], use["input axons"], use["synapse words"]) == (37, 100, 500)


def test_a_convolution_stores_k4_synapses_for_each_pair_of_channels():
    # By hand: a 3x3 kernel without padding meets a tile with 5 distinct sets of rows, of 1, 2, 3, 2, 1.
    network = one_layer((2, 8, 8), np.full((1, 2, 3, 3), 127), (1, 6, 6))
    use = Model(network, LOIHI).use(Slice("out", (0, 0, 0), (1, 6, 6)))
    areas = [a * b for a in (1, 2, 3, 2, 1) for b in (1, 2, 3, 2, 1)]
    assert sum(areas) == 3**4
    # A sparse list of n synapses has 10 + n * (8 + 6) bits: 1 word up to n = 3, 2 up to 8, 3 for 9.
    assert use["synapse words"] == 2 * sum(1 if n <= 3 else 2 if n <= 8 else 3 for n in areas)
    assert use["input axons"] == 64


def test_pooling_costs_no_synapse_memory():
    plain = one_layer((2, 8, 8), np.ones((1, 2, 3, 3)), (1, 6, 6))
    pooled = one_layer((2, 16, 16), np.ones((1, 2, 3, 3)), (1, 6, 6), pool=(2, 2))
    block = Slice("out", (0, 0, 0), (1, 6, 6))
    assert Model(plain, LOIHI).use(block) == Model(pooled, LOIHI).use(block)


def test_every_layer_that_does_not_fit_is_named():
    found = partition(one_layer((5000,), np.ones((3, 5000)), (3,)), LOIHI)
    assert [(v.population, v.resource, v.needed, v.allowed) for v in found.violations] == [
        ("out", "input axons", 5000, 4096)
    ]


def test_the_checker_knows_the_mesh_and_the_synapse_memory():
    network = one_layer((4,), np.full((12, 4), 127), (12,))
    placement = place_on_mesh(network, partition(network, LOIHI), LOIHI)
    (core,) = placement.cores
    for wrong in (replace(core, tile=(8, 0)), replace(core, core=4)):
        assert any("no core" in w for w in check_placement(network, replace(placement, cores=(wrong,)), LOIHI))
    assert any("synapse_memory" in w for w in check_placement(network, placement, small_chip(synapse_memory_words=8)))
    one_chip = replace(
        LOIHI, quantities={**LOIHI.quantities, "system.max_chips": replace(LOIHI.quantity("system.max_chips"), value=1)}
    )
    two = place_on_mesh(
        network, partition(network, small_chip(max_neurons=1, max_out_axons=4096)), small_chip(max_neurons=1)
    )
    twelfth = replace(two, cores=(*two.cores[:11], replace(two.cores[11], chip=1)))
    assert any("chips" in w for w in check_placement(network, twelfth, one_chip))


def test_populations_share_cores_where_they_fit():
    zeros = np.zeros(30, int)
    populations = tuple(IntegerPopulation(n, (30,), zeros + 9, zeros, zeros, zeros) for n in ("a", "b", "c"))
    pairs = (("in", "a"), ("a", "b"), ("b", "c"))
    connections = tuple(IntegerConnection(s + t, s, t, np.ones((30, 30))) for s, t in pairs)
    network = IntegerNetwork(IntegerInput("in", (30,)), populations, connections, 1)
    (core,) = partition(network, LOIHI).cores
    assert [part.population for part in core] == ["a", "b", "c"]


def test_too_few_chips_are_refused():
    network = one_layer((4,), np.ones((300, 4)), (300,))
    chip = small_chip(max_neurons=1)
    with pytest.raises(UserError, match="3 chips"):
        place_on_mesh(network, partition(network, chip), chip, chips=2)


def maps(channels, height, width):
    """A network whose only population is a map, each neuron with one input."""
    return one_layer(
        (channels, height, width), np.ones((channels, 1, 1, 1)), (channels, height, width), groups=channels
    )


@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        ((24, 32, 99), [4] * 24 + [3]),  # the layers of PilotNet, as Intel's compiler cut them
        ((36, 15, 49), [4] * 12 + [1]),
        ((64, 2, 20), [16, 4]),  # all 20 columns have 2560 neurons, but 32 would have 4096
        ((3, 4, 7), [7]),
    ],
)
def test_maps_are_cut_into_strips_where_the_compiler_does_that(shape, columns):
    network = maps(*shape)
    found = partition(network, LOIHI_2)
    assert [core[0].shape for core in found.cores] == [(*shape[:2], n) for n in columns]
    assert check_placement(network, place_on_mesh(network, found, LOIHI_2), LOIHI_2) == []


def test_a_map_of_which_no_column_fits_is_cut_freely():
    network = maps(64, 64, 2)  # 4096 neurons in a column
    found = partition(network, LOIHI_2)
    assert len(found.cores) == 3
    assert check_placement(network, place_on_mesh(network, found, LOIHI_2), LOIHI_2) == []


def test_the_checker_finds_what_is_no_strip():
    network = maps(36, 15, 49)
    whole = place_on_mesh(network, partition(network, LOIHI_2), LOIHI_2)
    edges = [*range(0, 49, 5), 49]
    cores = tuple(
        replace(core, slices=(Slice("out", (0, 0, a), (36, 15, b)),))
        for core, a, b in zip(whole.cores, edges, edges[1:], strict=False)
    )
    found = check_placement(network, replace(whole, cores=cores), LOIHI_2)
    assert "core 0: columns 0 to 5 of 'out' are no strip of 8" in found


def test_the_checker_finds_two_blocks_on_a_core_for_one_and_too_many_synapses():
    network = one_layer((2560,), np.ones((100, 2560)), (100,))
    placed = place_on_mesh(network, partition(network, LOIHI_2), LOIHI_2)
    assert [core.slices[0].neurons for core in placed.cores] == [9] * 11 + [1]
    *first, before, last = placed.cores
    together = (*first, replace(before, slices=(*before.slices, *last.slices)))
    found = check_placement(network, replace(placed, cores=together), LOIHI_2)
    assert found == [
        "core 10: core.max_blocks is 1, it has 2",
        "core 10: core.synapse_memory is 96000, it has 102400",
    ]
