"""Events, energy and time of a network on two cores, worked out by hand; counts against the simulator's."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.loops import slow_enough

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.energy.latency import latency
from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement, Slice
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.mapping.place import place
from snn_deploy.deploy.mapping.placing.core_traffic import core_traffic
from snn_deploy.deploy.mapping.placing.link_loads import link_loads
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

NS, PJ = 1e-9, 1e-12


def network() -> IntegerNetwork:
    """Four inputs, three neurons of which two fire in each of five steps, two sums."""
    populations = (
        IntegerPopulation("hidden", (3,), [0, 0, 100], 0, 0, 0),  # type: ignore[arg-type]
        IntegerPopulation("out", (2,), 0, 4096, 0, 0, fires=False),  # type: ignore[arg-type]
    )
    connections = (
        IntegerConnection("first", "input", "hidden", np.ones((3, 4))),
        IntegerConnection("second", "hidden", "out", np.ones((2, 3))),
    )
    return IntegerNetwork(IntegerInput("input", (4,), 1), populations, connections, 5)


def placed(net: IntegerNetwork) -> Placement:
    """The hidden neurons at tile (0, 0), the output two tiles east and one south."""
    cores = (
        PlacedCore(0, (0, 0), 0, (Slice("hidden", (0,), (3,)),)),
        PlacedCore(0, (2, 1), 0, (Slice("out", (0,), (2,)),)),
    )
    return Placement(net.digest, "loihi1", cores)


INPUTS = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.uint8)


@pytest.fixture(scope="module")
def events():
    net = network()
    return measured_events(net, placed(net), INPUTS, load_profile("loihi1"))


def test_events_are_counted_on_their_cores_and_links_for_each_sample(events):
    # Four and two inputs, three synapses each; two spikes with two synapses each; five steps.
    assert {name: counts.tolist() for name, counts in events.operations.items()} == {
        "first": [4 * 3 * 5, 2 * 3 * 5],
        "second": [2 * 2 * 5] * 2,
    }
    np.testing.assert_array_equal(events.core_operations, [[[12, 4]] * 5, [[6, 4]] * 5])
    np.testing.assert_array_equal(events.core_spikes, [[[2, 0]] * 5] * 2)
    np.testing.assert_array_equal(events.compartments, [4, 4])  # groups of four
    for found, one in ((events.messages, 10), (events.hops_east_west, 20), (events.hops_north_south, 10)):
        np.testing.assert_array_equal(found, [one, one])
    np.testing.assert_array_equal(events.busiest_links, [[2] * 5] * 2)
    assert (events.farthest, events.depth, events.chips, events.neurons) == ((2, 1), 2, 1, 5)


def test_energy_is_the_sum_of_table_2_of_davies_2018(events):
    fewest, most, fitted = event_energy(network(), events, load_profile("loihi1"))
    always = (45 + 20) * 23.6 + 8 * 6 * 52 + 10 * 1.7 + 20 * 3.0 + 10 * 4.0  # a step more for the second layer
    assert fewest.total == pytest.approx((always + 10 * (81 - 52)) * PJ)
    assert most.total == pytest.approx((always + 25 * (81 - 52)) * PJ)
    sanafe = 65 * 35.5 + 8 * 6 * 51.2 + 25 * 21.6 + 10 * 69.3 + 10 * 111 + 20 * 3.0 + 10 * 4.2
    assert fitted.total == pytest.approx(sanafe * PJ)
    for estimate in (fewest, most, fitted):
        assert estimate.total == pytest.approx(sum(t.count * t.unit_cost for t in estimate.spiking))
        assert all(t.source for t in estimate.spiking)


def test_time_is_that_of_the_busiest_core_the_longest_route_and_the_barrier(events):
    found = latency(events, load_profile("loihi1"))
    base = 9 * 3.5 + 4 * 5.3  # the mean of the samples, whose busiest core is the same
    route = 2 * 4.1 + 6.5
    least = 5 * (base + 2 * 3.1 + route + 113)
    most = 5 * (base + 4 * 3.1 + route + 1000)  # fitted, for the two tiles in use
    assert found.step == pytest.approx((least / 5 * NS, most / 5 * NS))
    assert found.streamed == pytest.approx((1 / (most * NS), 1 / (least * NS)))
    idle = route + 4 * 5.3  # one step more, for the second layer
    sample = least + idle + 113, most + idle + 1000
    assert found.sample == pytest.approx((sample[0] * NS, sample[1] * NS))
    assert found.alone == pytest.approx((1 / found.sample[1], 1 / found.sample[0]))
    assert found.busiest_core == 0
    assert found.static_energy == pytest.approx((29e-3 * found.sample[0], 104.4e-3 * found.sample[1]))


def test_a_link_that_is_slower_than_every_core_decides(events):
    crowded = latency(replace(events, busiest_links=np.full((2, 5), 1000.0)), load_profile("loihi1"))
    assert crowded.step[0] == pytest.approx((1000 * 6.5 + 2 * 4.1 + 6.5 + 113) * NS)


@pytest.mark.parametrize(
    ("chips", "tiles", "most"), [(1, 1, 600), (1, 3, 1400), (1, 5, 1800), (1, 32, 1800), (2, 1, 16200)]
)
def test_the_barrier_is_at_most_what_was_fitted_or_measured_not_what_was_published_as_a_minimum(
    events, chips, tiles, most
):
    found = latency(replace(events, chips=chips, tiles=tiles), load_profile("loihi1"))
    assert found.barrier == pytest.approx((113 * NS, most * NS))


def test_a_border_between_chips_is_no_hop_of_a_chip_and_is_said_to_be_left_out(events):
    net = network()
    first, second = placed(net).cores
    apart = Placement(net.digest, "loihi1", (first, replace(second, chip=1, tile=(0, 1))))
    found = measured_events(net, apart, INPUTS, load_profile("loihi1"))
    # Eight tiles to the east, from (0, 0) to (8, 1) of the row of chips: seven links of the first chip and a border.
    assert (found.hops_east_west.tolist(), found.borders.tolist()) == ([70, 70], [10, 10])
    assert (found.tiles, found.chips) == (1, 2)
    for estimate in event_energy(net, found, load_profile("loihi1")):
        assert any("between chips: 10 times a sample" in text for text in estimate.left_out)
        (east_west,) = (t for t in estimate.spiking if t.operation == "hop east or west")
        assert east_west.count == 70
    assert events.borders.tolist() == [0, 0]
    assert not any("between chips" in e.left_out for e in event_energy(net, events, load_profile("loihi1")))


def test_loihi_2_is_a_range_of_proxies(events):
    profile = load_profile("loihi2")
    found = [
        next(t for t in estimate.spiking if t.operation == "synaptic operation")
        for estimate in event_energy(network(), events, profile)
    ]
    assert [t.unit_cost for t in found] == pytest.approx([23.6 * PJ, 23.6 * PJ, 6.8 * PJ])
    assert [t.confidence for t in found] == ["assumption", "assumption", "likely"]
    assert latency(events, profile).barrier == pytest.approx((0.0, 200 * NS))
    times = latency(events, profile)
    assert times.static_energy == pytest.approx([0.282 * t for t in times.sample])


def test_the_second_set_of_constants_is_one_of_its_own(events):
    """12 and 6 operations in each step on the busiest core, which has four compartments, and 10 us for the barrier."""
    found = latency(events, load_profile("loihi2"))
    assert found.step_second_hand == pytest.approx((9 * 0.66 + 4 * 4) * NS + 1e-5)
    assert found.sample_second_hand == pytest.approx(5 * found.step_second_hand + 4 * 4 * NS + 1e-5)
    assert latency(events, load_profile("loihi1")).step_second_hand is None
    assert "second hand" in str(found) and "second hand" not in str(latency(events, load_profile("loihi1")))


@pytest.mark.parametrize("seed", slow_enough(range(12)))
def test_where_kernels_are_stored_whole_weights_of_0_cost_something_in_one_estimate_only(seed):
    chip = load_profile("loihi2")
    net = random_network(seed)
    net = replace(
        net, connections=tuple(replace(c, weights=np.where(c.weights > 0, 0, c.weights)) for c in net.connections)
    )
    if partition(net, chip).violations:
        return
    inputs = random_inputs(net, 2, seed)
    spikes = cpu.run(net, inputs, record=True).spikes
    found = measured_events(net, place(net, chip).placement, inputs, chip)
    for c in net.connections:
        shape, counted = net.shape_of(c.source), 0
        for target in np.ndindex(*net.shape_of(c.target)):
            for synapse in arriving_synapses(c, shape, target):
                sent = spikes[c.source][(slice(max(0, net.steps - c.delay)), slice(None), *synapse.index)]
                counted += int((sent != 0).sum()) if synapse.weight else 0
        assert found.operations_of_weights[c.name].sum() == counted
        assert (found.operations[c.name] >= found.operations_of_weights[c.name]).all()
    few, every, low = event_energy(net, found, chip)
    assert low.total <= few.total <= every.total


def two_cores() -> tuple[IntegerNetwork, Placement]:
    """Two inputs, each of which drives the neurons of one core."""
    weights = np.kron(np.eye(2, dtype=int), np.ones((8, 4), int))
    neurons = IntegerPopulation("out", (16,), 0, 0, 0, 0)  # type: ignore[arg-type]
    net = IntegerNetwork(IntegerInput("in", (8,), 1), (neurons,), (IntegerConnection("w", "in", "out", weights),), 3)
    cores = tuple(PlacedCore(0, (i, 0), 0, (Slice("out", (8 * i,), (8 * i + 8,)),)) for i in range(2))
    return net, Placement(net.digest, "loihi1", cores)


def test_samples_that_load_different_cores_do_not_share_the_load():
    """Averaging spikes over samples first halves the time of each."""
    net, placement = two_cores()
    chip = load_profile("loihi1")
    left, right = np.array([1, 1, 1, 1, 0, 0, 0, 0], np.uint8), np.array([0, 0, 0, 0, 1, 1, 1, 1], np.uint8)
    one = latency(measured_events(net, placement, left[None], chip), chip)
    both = latency(measured_events(net, placement, np.stack([left, right]), chip), chip)
    assert both.sample == pytest.approx(one.sample)
    assert both.sample_median == pytest.approx(one.sample)


def test_a_slow_sample_is_seen_in_the_99th_percentile_and_not_in_the_median():
    net, placement = two_cores()
    chip = load_profile("loihi1")
    inputs = np.zeros((50, 8), np.uint8)
    inputs[7] = 1
    found = latency(measured_events(net, placement, inputs, chip), chip)
    silent = latency(measured_events(net, placement, inputs[:1], chip), chip)
    assert found.sample_median == pytest.approx(silent.sample)
    assert found.sample_p99[0] > 1.3 * silent.sample[0]
    assert silent.sample[0] < found.sample[0] < found.sample_p99[0]


def test_what_is_still_on_its_way_at_the_last_step_is_no_operation():
    net, placement = two_cores()
    late = replace(net, connections=(replace(net.connections[0], delay=2),))
    placement = replace(placement, network_digest=late.digest)
    ones = np.ones((1, 8), np.uint8)
    for found, steps in ((net, 3), (late, 1)):
        events = measured_events(found, placement, ones, load_profile("loihi1"))
        assert events.operations["w"].tolist() == [8 * 8 * steps]


def test_weights_of_zero_in_a_sparse_list_are_no_operations():
    weights = np.zeros((64, 32), int)
    weights[0] = weights[:, 0] = 1  # 95 synapses; a dense list would hold 2048
    neurons = IntegerPopulation("out", (64,), 0, 0, 0, 0)  # type: ignore[arg-type]
    net = IntegerNetwork(IntegerInput("in", (32,), 1), (neurons,), (IntegerConnection("w", "in", "out", weights),), 1)
    placement = Placement(net.digest, "loihi1", (PlacedCore(0, (0, 0), 0, (Slice("out", (0,), (64,)),)),))
    events = measured_events(net, placement, np.ones((1, 32), np.uint8), load_profile("loihi1"))
    assert events.operations["w"].tolist() == [95]


@pytest.mark.parametrize("seed", slow_enough(range(25)))
def test_operations_of_random_networks_are_those_of_the_simulator_where_lists_are_dense(seed):
    """Event by event against the slow way: every spike, every synapse, every core, every link."""
    net = random_network(seed)
    chip = load_profile("loihi1")
    parts = partition(net, chip)
    assert not parts.violations
    placement = place(net, chip, parts=parts).placement
    inputs = random_inputs(net, 3, seed)
    events = measured_events(net, placement, inputs, chip)
    recorded = cpu.run(net, inputs, record=True).spikes
    assert recorded is not None
    model = Model(net, chip)
    slices = [core.slices for core in placement.cores]
    for sample in range(3):
        expected = np.zeros((net.steps, len(slices)))
        for c in net.connections:
            for step in range(net.steps - c.delay):
                spikes = recorded[c.source][step, sample] != 0
                for core, held in enumerate(slices):
                    for part in held:
                        if part.population == c.target:
                            encoding = model.needs(held)[held.index(part)].encodings[c.name]
                            expected[step + c.delay, core] += slow_operations(net, c, spikes, part, encoding)
        np.testing.assert_allclose(events.core_operations[sample], expected)
        for step in range(net.steps):
            here = {p.name: recorded[p.name][step, sample] != 0 for p in net.populations}
            traffic = core_traffic(net, slices, here)
            loads = [x for x in link_loads(placement, traffic, chip) if x.size]
            assert events.busiest_links[sample, step] == pytest.approx(max((x.max() for x in loads), default=0.0))
            for p in net.populations:
                core_of = placement.core_of(p.name, p.shape)
                for core in range(len(slices)):
                    if (core_of == core).any() and len(slices[core]) == 1:
                        assert events.core_spikes[sample, step, core] == here[p.name][core_of == core].sum()
        traffic = core_traffic(
            net, slices, {p.name: (recorded[p.name][:, sample] != 0).sum(axis=0) for p in net.populations}
        )
        assert events.messages[sample] == pytest.approx(traffic.sum())
        rows, columns = link_loads(placement, traffic, chip)
        assert events.hops_east_west[sample] + events.borders[sample] == pytest.approx(rows.sum())
        assert events.hops_north_south[sample] == pytest.approx(columns.sum())


def slow_operations(net, c, spikes, part, encoding):
    """Return the operations of one step's spikes at the block, synapse by synapse (arriving_synapses)."""
    shape, total = net.shape_of(c.target), 0
    listed = set()
    if encoding == "dense":  # inputs with any weight into the block's channels have a list that holds zeros too
        for o in range(part.start[0], part.stop[0]):
            for i in range(c.weights.shape[1]):
                if c.weights[o, i].any():
                    group = o // (len(c.weights) // c.groups)
                    listed.add((group, i))
    for index in np.ndindex(*shape):
        if all(a <= i < b for i, a, b in zip(index, part.start, part.stop, strict=True)):
            group = index[0] // (len(c.weights) // c.groups)
            for s in arriving_synapses(c, net.shape_of(c.source), index):
                if spikes[s.index]:
                    total += s.weight != 0 if encoding == "sparse" else (group, input_of(c, net, s.index)) in listed
    return total


def input_of(c, net, index):
    """Return the second index of the weights that the source neuron `index` has, within its group."""
    if c.weights.ndim == 4:
        return index[0] % c.weights.shape[1]
    source = net.shape_of(c.source)
    if len(source) == 1:
        return index[0]
    channels, height, width = pooled_shape(source, c.pool)
    return int(
        np.ravel_multi_index((index[0], index[1] // c.pool[0], index[2] // c.pool[1]), (channels, height, width))
    )
