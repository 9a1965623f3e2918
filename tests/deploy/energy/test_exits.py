"""Energy and time of samples that stop early, worked out by hand on a network of two cores and three layers."""

from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.deploy.energy.chip_estimate import event_energy
from snn_deploy.deploy.energy.core_events import measured_events
from snn_deploy.deploy.energy.latency import latency
from snn_deploy.deploy.energy.reading import READERS, assumption, can_read, reading_time
from snn_deploy.deploy.exits.chip_steps import chip_steps, steps_done
from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement, Slice
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

NS, PJ = 1e-9, 1e-12
STEPS = 5


def network() -> IntegerNetwork:
    """Four inputs, three neurons that fire in each of five steps, two that do, three sums."""
    populations = (
        IntegerPopulation("first", (3,), 0, 0, 0, 0),  # type: ignore[arg-type]
        IntegerPopulation("second", (2,), 0, 0, 0, 0),  # type: ignore[arg-type]
        IntegerPopulation("out", (3,), 0, 4096, 0, 0, fires=False),  # type: ignore[arg-type]
    )
    connections = (
        IntegerConnection("a", "input", "first", np.ones((3, 4))),
        IntegerConnection("b", "first", "second", np.ones((2, 3))),
        IntegerConnection("c", "second", "out", np.ones((3, 2))),
    )
    return IntegerNetwork(IntegerInput("input", (4,), 1), populations, connections, STEPS)


def placed(net: IntegerNetwork) -> Placement:
    """The first layer at tile (0, 0), the others two tiles east and one south."""
    cores = (
        PlacedCore(0, (0, 0), 0, (Slice("first", (0,), (3,)),)),
        PlacedCore(0, (2, 1), 0, (Slice("second", (0,), (2,)), Slice("out", (0,), (3,)))),
    )
    return Placement(net.digest, "loihi1", cores)


INPUTS = np.ones((2, 4), np.uint8)
EXITS = np.array([1, 5])


@pytest.fixture(scope="module")
def events():
    net = network()
    return measured_events(net, placed(net), INPUTS, load_profile("loihi1"), exits=EXITS)


@pytest.fixture(scope="module")
def whole():
    net = network()
    return measured_events(net, placed(net), INPUTS, load_profile("loihi1"))


def test_earlier_layers_have_gone_on_by_as_many_steps_as_the_output_lags_behind_them():
    done = steps_done(network(), np.array([1, 2, 4, 5]))
    assert {name: steps.tolist() for name, steps in done.items()} == {
        "input": [3, 4, 5, 5],
        "first": [3, 4, 5, 5],
        "second": [2, 3, 5, 5],
        "out": [1, 2, 4, 5],
    }
    assert chip_steps(np.array([1, 5]), 3).tolist() == [3, 7]


def test_what_was_sent_until_the_exit_is_counted(events):
    assert events.operations["a"].tolist() == [3 * 12, 5 * 12]
    assert events.operations["b"].tolist() == [3 * 6, 5 * 6]
    assert events.operations["c"].tolist() == [2 * 6, 5 * 6]
    np.testing.assert_array_equal(events.core_spikes[:, :, 0], [[3, 3, 3, 0, 0], [3] * 5])
    np.testing.assert_array_equal(events.core_spikes[:, :, 1], [[2, 2, 0, 0, 0], [2] * 5])
    assert events.messages.tolist() == [9, 15]
    assert events.updates.tolist() == [3 * 3 + 2 * 2 + 3 * 1, 5 * 8]
    assert events.chip_steps.tolist() == [3, 7]


def test_energy_is_that_of_the_steps_that_were_done_and_of_reading(events):
    fewest, most, fitted = event_energy(network(), events, load_profile("loihi1"))
    allocated = 4 + 8

    def by_hand(operations, steps, spikes, updates, messages, exit_step):
        always = operations * 23.6 + allocated * steps * 52 + messages * (1.7 + 2 * 3 + 4)
        reads = exit_step * 3 * (1.7 + 7 * 3 + 3 * 4)  # three outputs, over a mesh of 8 by 4 tiles
        board = operations * 35.5 + allocated * steps * 51.2 + updates * 21.6 + spikes * 69.3
        board += messages * (111 + 2 * 3 + 4.2) + exit_step * 3 * (111 + 7 * 3 + 3 * 4.2)
        return always + spikes * 29 + reads, always + updates * 29 + reads, board

    early = by_hand(36 + 18 + 12, 3, 9 + 4, 16, 9, 1)
    late = by_hand(60 + 30 + 30, 7, 25, 40, 15, 5)
    for estimate, one, other in zip((fewest, most, fitted), early, late, strict=True):
        np.testing.assert_allclose(estimate.of_samples, np.array([one, other]) * PJ)
        assert estimate.total == pytest.approx((one + other) / 2 * PJ)


def test_time_is_that_of_the_steps_of_the_chip_and_of_reading(events):
    profile = load_profile("loihi1")
    read = reading_time("embedded processor", 3, profile)
    assert read == pytest.approx((7 * 4.1 + 3 * 6.5 + 3 * 6.5) * NS)
    route = 2 * 4.1 + 6.5

    found = latency(events, profile, read)
    # The first sample takes three steps of the chip: in the third the second core only hears the spikes of the first.
    busiest = 12 * 3.5 + 3 * 3.1 + 4 * 5.3
    other = (6 + 6) * 3.5 + 2 * 3.1 + 8 * 5.3
    other_in_the_third = 6 * 3.5 + 8 * 5.3
    early = 2 * (max(busiest, other) + route + 113) + max(busiest, other_in_the_third) + route + 113
    late = 5 * (max(busiest, other) + route + 113) + 2 * (8 * 5.3 + route + 113)
    assert found.sample[0] == pytest.approx((early + late) / 2 * NS + 3 * read)
    assert found.sample_p99[0] == pytest.approx((early + 0.99 * (late - early)) * NS + read + 0.99 * 4 * read)
    assert found.streamed == found.alone == pytest.approx((1 / found.sample[1], 1 / found.sample[0]))


def test_samples_that_take_every_step_cost_what_they_did_and_the_reading(whole):
    net, profile = network(), load_profile("loihi1")
    last = measured_events(net, placed(net), INPUTS, profile, exits=np.array([STEPS, STEPS]))
    read = reading_time("embedded processor", 3, profile)
    for before, now in zip(event_energy(net, whole, profile), event_energy(net, last, profile), strict=True):
        reading = sum(t.energy for t in now.spiking if t.connection == "embedded processor")
        assert now.total - reading == pytest.approx(before.total)
    before, now = latency(whole, profile), latency(last, profile, read)
    assert now.step == pytest.approx(before.step)
    assert now.sample == pytest.approx([t + STEPS * read for t in before.sample])
    assert now.sample_second_hand == before.sample_second_hand is None


def test_the_second_set_of_constants_stops_too():
    net, profile = network(), load_profile("loihi2")
    placement = replace(placed(net), profile="loihi2")
    events = measured_events(net, placement, INPUTS, profile, exits=EXITS)
    found = latency(events, profile)
    full = 12 * 0.66 + 8 * 4.0, 6 * 0.66 + 8 * 4.0  # a step of the second core, and one in which only spikes arrive
    early = 2 * full[0] + full[1] + 3 * 10_000
    late = 5 * full[0] + 2 * 8 * 4.0 + 7 * 10_000
    assert found.sample_second_hand == pytest.approx((early + late) / 2 * NS, rel=1e-6)


@pytest.mark.parametrize("chip", ["loihi1", "loihi2"])
def test_a_host_is_the_dearest_reader_and_every_cost_is_called_an_assumption(events, chip):
    profile = load_profile(chip)
    assert all(can_read(reader, profile) for reader in READERS)
    near, host = (event_energy(network(), events, profile, reader=reader) for reader in READERS)
    for one, other in zip(near, host, strict=True):
        (term,) = (t for t in other.spiking if t.connection == "host")
        assert (term.count, term.unit_cost, term.confidence) == (3.0, pytest.approx(23.6e-6), "assumption")
        assert "B18" in term.source
        assert other.total - term.energy < one.total < other.total
    assert reading_time("host", 3, profile) == pytest.approx(338e-6)
    assert all("assumption" in assumption(reader, profile) for reader in READERS)


def test_a_chip_without_a_figure_for_its_host_says_so():
    profile = load_profile("loihi1")
    without = {name: q for name, q in profile.quantities.items() if name != "latency.host_step"}
    assert not can_read("host", replace(profile, quantities=without))
