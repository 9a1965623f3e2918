from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.export.chip.neurons import chip_neurons
from snn_deploy.export.passes.round_decays import round_decays
from snn_deploy.export.to_integer_network import ExportOptions, to_integer_network
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.user_error import UserError


def network(**options) -> FloatNetwork:
    delay = options.pop("delay", 0)
    options = {"threshold": 0.5, "voltage_keep": 0.25, "current_keep": 0.0} | options
    neurons = FloatPopulation("out", (2,), **options)
    synapses = FloatConnection("synapses", "input", "out", np.array([[0.3], [0.2]]), delay=delay)
    return FloatNetwork(FloatInput("input", (1,), 1, 1.0), (neurons,), (synapses,), 6)


def test_abilities_are_read_from_the_profile():
    first, second = (chip_neurons(load_profile(name)) for name in ("loihi1", "loihi2"))
    assert (first.is_programmable, second.is_programmable) == (False, True)
    # dv has 12 bits: 4096 - 4095 = 1 is left at least; du has an offset of 1: 4095 at most.
    assert first.voltage_keeps == second.voltage_keeps == (1, 4096)
    assert first.current_keeps == (0, 4095)
    assert (first.largest_delay, first.soft_reset_neurons) == (62, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"reset": "subtract"},
            r"population 'out': a soft reset; loihi1 resets to 0 alone \(it takes 2 neurons each\)",
        ),
        ({"reset_value": [0, -0.1]}, "population 'out', channel 1: reset_value -.* state units; loihi1 has 0 alone"),
        ({"initial_value": [0.2, 0]}, "population 'out', channel 0: initial_value .* state units; loihi1 has 0 alone"),
        ({"voltage_keep": [0.25, 0]}, r"channel 1: voltage_keep 0; loihi1 holds 1 to 4096 / 4096"),
        ({"current_keep": 1.0}, r"channel 0: current_keep 1; loihi1 holds 0 to 4095 / 4096.*--round-decays"),
        ({"delay": 63}, "connection 'synapses': a delay of 63 steps; loihi1 holds 62"),
    ],
)
def test_what_a_chip_cannot_do_is_refused_by_name(options, message):
    chip = load_profile("loihi1")
    with pytest.raises(UserError, match=message):
        to_integer_network(network(**options), Limits(), ExportOptions(chip=chip))


@pytest.mark.parametrize(
    "options", [{"reset": "subtract"}, {"reset_value": -0.1}, {"initial_value": 0.2}, {"current_keep": 0.5}]
)
def test_programmable_neurons_can_do_all_of_it(options):
    chip = load_profile("loihi2")
    (neurons,) = to_integer_network(network(**options), Limits(), ExportOptions(chip=chip)).network.populations
    name, value = next(iter(options.items()))
    assert neurons.reset == value if name == "reset" else (np.sign(getattr(neurons, name)) == np.sign(value)).all()


def test_decays_are_rounded_only_when_asked_and_the_change_is_reported():
    learned = network(voltage_keep=[0.3, 0.7], current_keep=1.0)
    with pytest.raises(UserError, match=r"voltage_keep 0.3 is 1228.800 / 4096.*--round-decays"):
        to_integer_network(learned, Limits())
    export = to_integer_network(learned, Limits(), ExportOptions("refuse", True, load_profile("loihi2")))
    (neurons,) = export.network.populations
    assert neurons.voltage_keep.tolist() == [1229, 2867]
    assert neurons.current_keep.tolist() == [4095, 4095]
    assert export.rounded_decays == {"out": pytest.approx(1 / 4096)}


def test_decays_that_fit_are_left_alone():
    plain = network(voltage_keep=[0.25, 1.0])
    same, changes = round_decays(plain)
    assert changes == {}
    assert (same.populations[0].voltage_keep == plain.populations[0].voltage_keep).all()


def test_learned_thresholds_and_decays_of_each_channel_are_exported_exactly():
    learned = network(threshold=[0.5, 0.7], voltage_keep=[0.25, 0.5])
    (even,) = to_integer_network(learned, Limits()).network.populations
    assert even.threshold[0] == even.threshold[1]  # the weights make up for it
    export = to_integer_network(learned, Limits(per_channel=True))
    fit, (neurons,) = export.fits["out"], export.network.populations
    np.testing.assert_allclose(fit.units * (neurons.threshold + 1 / 128), [0.5, 0.7], rtol=1e-12)
    assert neurons.voltage_keep.tolist() == [1024, 2048]
    assert replace(learned).populations[0].threshold.tolist() == [0.5, 0.7]
