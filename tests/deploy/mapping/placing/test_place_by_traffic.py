"""Where cores lie: spikes from core to core counted slowly, the best sites of tiny meshes, the links they cross."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from helpers.loops import slow_enough
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.cores.mesh import core_sites
from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement, Slice
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic
from snn_deploy.deploy.mapping.placing.link_loads import link_loads
from snn_deploy.deploy.mapping.placing.mesh_picture import mesh_picture
from snn_deploy.deploy.mapping.placing.place_by_traffic import place_by_traffic, spike_hops
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.arriving_synapses import arriving_synapses

LOIHI = load_profile("loihi1")


def changed(**values):
    quantities = {n.replace("__", "."): v for n, v in values.items()}
    new = {n: replace(LOIHI.quantity(n), value=v) for n, v in quantities.items()}
    return replace(LOIHI, quantities={**LOIHI.quantities, **new})


SMALL = changed(core__max_neurons=5, system__mesh_tiles=(3, 2), system__cores_per_tile=2)


def mapped(seed, profile):
    network = random_network(seed)
    found = partition(network, profile)
    return network, found


def counted(network, cores, spikes):
    """Every neuron, every synapse: a spike goes once to each other core that one of its synapses lies on."""
    core_of = {}
    for i, core in enumerate(cores):
        for part in core:
            for index in product(*(range(a, b) for a, b in zip(part.start, part.stop, strict=True))):
                core_of[part.population, index] = i
    total = np.zeros((len(cores), len(cores)))
    for c in network.connections:
        sent = set()
        for index in np.ndindex(network.shape_of(c.target)):
            for synapse in arriving_synapses(c, network.shape_of(c.source), index):
                if c.source != network.input.name:
                    sent.add((synapse.index, core_of[c.source, synapse.index], core_of[c.target, index]))
        for place, here, there in sent:
            total[here, there] += (here != there) * spikes[c.source][place]
    return total


@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_the_spikes_from_core_to_core_are_those_of_the_single_neurons(seed):
    network, found = mapped(seed, SMALL)
    rng = np.random.default_rng(seed)
    spikes = {p.name: rng.integers(0, 5, p.shape) for p in network.populations}
    if found.violations:
        return
    expected = counted(network, found.cores, spikes)
    np.testing.assert_array_equal(core_traffic(network, found.cores, spikes).toarray(), expected)


@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_seats_are_legal_never_worse_and_the_same_for_a_seed(seed):
    network, found = mapped(seed, SMALL)
    if found.violations:
        return
    in_order, traffic = place_on_mesh(network, found, SMALL), core_traffic(network, found.cores)
    placed = place_by_traffic(in_order, traffic, SMALL, seed)
    assert check_placement(network, placed, SMALL) == []
    assert [core.slices for core in placed.cores] == [core.slices for core in in_order.cores]
    assert spike_hops(placed, traffic, SMALL) <= spike_hops(in_order, traffic, SMALL)
    assert place_by_traffic(in_order, traffic, SMALL, seed) == placed
    rows, columns = link_loads(placed, traffic, SMALL)
    assert rows.sum() + columns.sum() == pytest.approx(spike_hops(placed, traffic, SMALL))


@pytest.mark.parametrize("seed", range(5))
def test_the_seats_of_few_cores_are_the_best_there_are(seed):
    chip = changed(system__mesh_tiles=(3, 2), system__cores_per_tile=1)
    rng = np.random.default_rng(seed)
    traffic = csr_matrix(rng.integers(0, 20, (6, 6)) * (1 - np.eye(6)))
    sites = core_sites(chip, 1)

    def placement(order):
        return Placement("x", "x", tuple(PlacedCore(*sites[i], (Slice("p", (i,), (i + 1,)),)) for i in order))

    best = min(spike_hops(placement(order), traffic, chip) for order in permutations(range(6)))
    assert spike_hops(place_by_traffic(placement(range(6)), traffic, chip), traffic, chip) == best


def test_hops_are_tiles_along_rows_and_columns():
    cores = [PlacedCore(c, t, 0, (Slice("p", (i,), (i + 1,)),)) for i, (c, t) in enumerate([(0, (0, 0)), (1, (2, 3))])]
    traffic = csr_matrix(([7.0], ([0], [1])), (2, 2))
    assert spike_hops(Placement("x", "x", tuple(cores)), traffic, LOIHI) == 7 * (8 + 2 + 3)  # chips of 8 x 4 in a row


def test_the_picture_shows_every_core_and_link():
    network, found = mapped(3, SMALL)
    placement, traffic = place_on_mesh(network, found, SMALL), core_traffic(network, found.cores)
    layers = [p.name for p in network.populations]
    figure = mesh_picture(placement, layers, [0.5] * len(found.cores), traffic, SMALL, "title")
    left, right = figure.axes[:2]
    drawn = [c.get_paths() for axes in (left, right) for c in axes.collections]
    assert [len(paths) for paths in drawn].count(len(placement.cores)) >= 2
    assert figure.legends[0].get_texts()[0].get_text() == layers[0]


def test_the_picture_is_of_used_tiles_and_its_legend_of_layers_that_are_in_it():
    cores = (
        PlacedCore(0, (2, 1), 0, (Slice("many", (0,), (9,)), Slice("few", (0,), (2,)))),
        PlacedCore(0, (3, 1), 0, (Slice("more", (0,), (9,)),)),
    )
    traffic = csr_matrix(([5.0], ([0], [1])), (2, 2))
    figure = mesh_picture(Placement("x", "x", cores), ["many", "few", "more"], [0.5, 0.5], traffic, LOIHI, "")
    tiles = figure.axes[0].collections[0].get_paths()
    assert len(tiles) == 2  # of 8 x 4
    assert [text.get_text() for text in figure.axes[0].texts] == ["chip 0: 2 of 32 tiles, the others are free"]
    figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        above_chip, heading = axes.texts[0].get_window_extent(), axes.title.get_window_extent()
        assert above_chip.y1 < heading.y0  # large tiles: words over them stay under the heading
    links = figure.axes[0].collections[1]
    assert (len(links.get_paths()), links.get_array().tolist()) == (1, [5.0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["many", "more"]
