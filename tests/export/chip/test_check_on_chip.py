"""What a chip cannot do is said by one function, to everyone: export, map, energy, search, report and suggestions."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.small_network import one_neuron

import snn_deploy
from snn_deploy.deploy.mapping.checking.fit import other_chips
from snn_deploy.export.chip.check_on_chip import check_on_chip, require_on_chip
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI_1, LOIHI_2 = load_profile("loihi1"), load_profile("loihi2")


def neuron(**options):
    """Return a network of one neuron that Loihi 1 can run, but for `options`."""
    network = one_neuron(**{"weight": 3, "steps": 4, "threshold": 5} | options)
    largest = options.get("largest_value", 1)
    return replace(network, input=IntegerInput("input", network.input.shape, largest))


def graded():
    return one_neuron(3, steps=4, threshold=5)


def quick_loop():
    zeros, one = np.zeros(1, int), np.ones((1, 1), int)
    populations = tuple(IntegerPopulation(name, (1,), zeros + 9, zeros + 4096, zeros, zeros) for name in "ab")
    pairs = (("input", "a", 0), ("a", "b", 0), ("b", "a", 1))
    connections = tuple(IntegerConnection(s + t, s, t, one, delay=delay) for s, t, delay in pairs)
    return IntegerNetwork(IntegerInput("input", (1,), 1), populations, connections, 4)


REFUSED = [
    (graded(), "input 'input': values up to 255; spikes of loihi1 carry no value"),
    (neuron(current_keep=4096), "population 'out', channel 0: current_keep 1; loihi1 holds 0 to 4095 / 4096"),
    (neuron(voltage_keep=0), "population 'out', channel 0: voltage_keep 0; loihi1 holds 1 to 4096 / 4096"),
    (neuron(reset="subtract"), "population 'out': a soft reset; loihi1 resets to 0 alone"),
    (neuron(reset_value=64), "population 'out', channel 0: reset_value 64 state units; loihi1 has 0 alone"),
    (neuron(initial_value=-64), "population 'out', channel 0: initial_value -64 state units; loihi1 has 0 alone"),
    (neuron(bias=2**19 + 1), "population 'out', channel 0: a bias of 524289 state units; loihi1 holds 4095 at most"),
    (neuron(delay=63), "connection 'synapse': a delay of 63 steps; loihi1 holds 62"),
    (neuron(weight=127, inputs=300), "population 'out': up to 2438400 state units can arrive in a step; loihi1 adds"),
    (quick_loop(), "connections 'ab', 'ba': a loop of 2 connections whose delays sum to 1 steps"),
]


@pytest.mark.parametrize(("network", "message"), REFUSED, ids=[m.split(":")[-1][:30].strip() for _, m in REFUSED])
def test_each_thing_that_loihi_1_cannot_do_is_one_sentence_that_everyone_says(network, message):
    (found,) = check_on_chip(network, LOIHI_1)
    assert found.startswith(message)
    placed = snn_deploy.place(network, chip="loihi1")
    assert placed.refused == (found,)
    assert not placed.fits
    assert placed.headline() == f"loihi1 cannot run it: {found}"
    assert placed.to_dict()["refused"] == [found]
    with pytest.raises(snn_deploy.UserError) as refused:
        snn_deploy.latency(network, np.zeros((1, *network.input.shape), np.uint8), chip="loihi1")
    assert str(refused.value) == found


def test_a_network_without_any_of_it_runs_on_both():
    assert check_on_chip(neuron(), LOIHI_1) == check_on_chip(neuron(), LOIHI_2) == ()
    require_on_chip(neuron(), LOIHI_1)


@pytest.mark.parametrize("network", [graded(), neuron(reset="subtract"), neuron(reset_value=64)])
def test_another_chip_is_suggested_where_it_can_run_the_network(network):
    assert check_on_chip(network, LOIHI_2) == ()
    assert [s.what for s in snn_deploy.place(network, chip="loihi1").suggestions] == ["another chip: --profile loihi2"]
    assert not list(other_chips(network, LOIHI_2, None))  # Loihi 1 cannot


def test_every_refusal_is_told_not_only_the_first():
    network = neuron(reset="subtract", initial_value=64, current_keep=4096)
    assert len(check_on_chip(network, LOIHI_1)) == 3
    with pytest.raises(snn_deploy.UserError, match=r"\(and 2 more reasons\)$"):
        require_on_chip(network, LOIHI_1)


def changed(profile, name, value):
    return replace(profile, quantities={**profile.quantities, name: replace(profile.quantity(name), value=value)})


def test_weights_of_one_sign_may_have_a_bit_more():
    narrow = changed(LOIHI_2, "weight.stored_bits_max", 5)
    (synapse,) = neuron(inputs=2).connections
    for weights, is_held in (([31, 0], 1), ([-31, 0], 1), ([15, -16], 1), ([16, -1], 0), ([32, 0], 0), ([1, -17], 0)):
        network = replace(neuron(inputs=2), connections=(replace(synapse, weights=np.array([weights])),))
        found = check_on_chip(network, narrow)
        assert bool(found) != is_held
        if found:
            least, most = min(*weights, 0), max(*weights, 0)
            assert found[0].startswith(f"connection 'synapse': weights {least}..{most}; loihi2 stores 5 bits")


def test_a_threshold_beyond_the_mantissa_is_refused():
    small = changed(LOIHI_2, "neuron.threshold_mantissa_max", 99)
    assert check_on_chip(neuron(threshold=99), small) == ()
    (found,) = check_on_chip(neuron(threshold=100), small)
    assert found.startswith("population 'out': a threshold of 100; loihi2 holds up to 99")


def test_what_could_wrap_on_narrower_states_is_refused():
    narrow = changed(LOIHI_2, "neuron.v_bits", 16)
    (found,) = check_on_chip(neuron(weight=127, inputs=9, threshold=1, fires=False), narrow)
    assert found.startswith("population 'out': its states can reach")
