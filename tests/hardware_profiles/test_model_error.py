"""Every estimate of a chip says how far its model was off on networks that were measured on chips."""

import numpy as np
import pytest
from helpers.small_network import one_neuron

import snn_deploy as sd
from snn_deploy.deploy.running.mean_spikes import mean_spikes
from snn_deploy.hardware_profiles.model_error import error_item, error_line, model_error
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.report.chip_facts import chip_facts

CHIP = load_profile("loihi2")
LINES = {name: error_line(CHIP, name) for name in CHIP.section("silicon")}


def test_an_error_is_the_ratio_of_estimate_and_measurement_less_one():
    least, most = model_error(CHIP, "dynamic_energy")
    ends = CHIP.quantity("silicon.dynamic_energy").value
    assert (least, most) == pytest.approx([end - 1 for end in ends])
    assert f"{100 * least:+.0f} % to {100 * most:+.0f} % (snn-deploy help silicon)" in LINES["dynamic_energy"]


def test_a_chip_without_a_measured_network_says_so():
    assert "held against no network" in error_line(load_profile("loihi1"), "step_time")
    assert error_item(load_profile("loihi1"), "step_time") == "step time: not measured"


def test_a_time_of_other_constants_is_named_as_such():
    assert error_item(CHIP, "step_time_second_hand").startswith("step time, by constants known second hand: -")


def test_maps_energies_times_and_reports_say_it():
    network = one_neuron(steps=3)
    inputs = np.ones((1, *network.input.shape), np.uint8)
    energy = sd.energy(network, inputs, profile="loihi2")
    for name in ("dynamic_energy", "total_energy", "step_time", "step_time_second_hand"):
        assert LINES[name] in str(energy.detailed()), name
    assert LINES["step_time"] in str(sd.latency(network, inputs, chip="loihi2"))
    assert LINES["cores"] in str(sd.place(network, chip="loihi2"))
    found = chip_facts(network, CHIP, mean_spikes(network, inputs), inputs)
    assert set(found.model_errors) == {error_item(CHIP, name) for name in LINES}
