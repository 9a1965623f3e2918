"""Events, energy and time of a network on two cores, worked out by hand; counts against the simulator's."""

from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import arriving_operations, core_events
from snn_deploy.deploy.energy.latency import latency
from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement, Slice
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.hardware_profiles.profile import load_profile
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


@pytest.fixture(scope="module")
def events():
    net = network()
    spikes = mean_spikes(net, np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.uint8))
    return core_events(net, placed(net), spikes, load_profile("loihi1"))


def test_events_are_counted_on_their_cores_and_links(events):
    # Three of four inputs in the mean, three synapses each; two spikes with two synapses each; five steps.
    assert events.operations == {"first": 3 * 3 * 5, "second": 2 * 2 * 5}
    np.testing.assert_array_equal(events.core_operations, [[9, 4]] * 5)
    np.testing.assert_array_equal(events.core_spikes, [[2, 0]] * 5)
    np.testing.assert_array_equal(events.compartments, [4, 4])  # groups of four
    assert (events.messages, events.hops_east_west, events.hops_north_south) == (10, 20, 10)
    np.testing.assert_array_equal(events.busiest_links, [2] * 5)
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
    base = 9 * 3.5 + 4 * 5.3
    route = 2 * 4.1 + 6.5
    least = 5 * (base + 2 * 3.1 + route + 113)
    most = 5 * (base + 4 * 3.1 + route + 465)
    assert found.step == pytest.approx((least / 5 * NS, most / 5 * NS))
    assert found.streamed == pytest.approx((1 / (most * NS), 1 / (least * NS)))
    idle = route + 4 * 5.3  # one step more, for the second layer
    sample = least + idle + 113, most + idle + 465
    assert found.sample == pytest.approx((sample[0] * NS, sample[1] * NS))
    assert found.alone == pytest.approx((1 / found.sample[1], 1 / found.sample[0]))
    assert found.busiest_core == 0
    assert found.static_energy == pytest.approx((29e-3 * found.sample[0], 104.4e-3 * found.sample[1]))


def test_a_link_that_is_slower_than_every_core_decides(events):
    crowded = latency(replace(events, busiest_links=np.full(5, 1000.0)), load_profile("loihi1"))
    assert crowded.step[0] == pytest.approx((1000 * 6.5 + 2 * 4.1 + 6.5 + 113) * NS)


def test_loihi_2_is_a_range_of_proxies_without_static_power_of_a_chip(events):
    profile = load_profile("loihi2")
    fewest, most = event_energy(network(), events, profile)
    low = next(t for t in fewest.spiking if t.operation == "synaptic operation")
    high = next(t for t in most.spiking if t.operation == "synaptic operation")
    assert (low.unit_cost, high.unit_cost) == pytest.approx((6.8 * PJ, 23.6 * PJ))
    assert high.confidence == "assumption"
    assert latency(events, profile).barrier == pytest.approx((0.0, 200 * NS))
    assert latency(events, profile).static_energy is None


@pytest.mark.parametrize("seed", range(15))
def test_operations_of_random_networks_are_the_simulators(seed):
    net = random_network(seed)
    inputs = random_inputs(net, 2, seed)
    spikes, counted = mean_spikes(net, inputs), cpu.run(net, inputs).synaptic_operations
    for c in net.connections:
        arriving = arriving_operations(c, spikes[c.source], net.shape_of(c.target))
        assert arriving.shape == (net.steps, *net.shape_of(c.target))
        assert arriving.sum() == pytest.approx(counted[c.name].mean())
