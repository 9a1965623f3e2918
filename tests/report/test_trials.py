"""What a report suggests was tried."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.energy.paper_estimate import estimate_energy
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork
from snn_deploy.network.integer_network import IntegerPopulation as Population
from snn_deploy.report.layer_facts import layer_facts
from snn_deploy.report.trials import Trial, fewer_steps, tried, without_dead_channels


def test_half_of_the_steps_and_one_less():
    network = one_neuron(steps=6)
    assert [n.steps for n in fewer_steps(network).values()] == [5, 3]
    assert [n.steps for n in fewer_steps(replace(network, steps=2)).values()] == [1]
    assert fewer_steps(replace(network, steps=1)) == {}


@pytest.mark.parametrize(
    ("accuracy", "energy", "uncertainty", "is_better"),
    [
        (0.90, 0.5, 0.0, True),  # half of the energy for nothing
        (0.896, 0.5, 0.0, True),  # for 0.4 points
        (0.894, 0.5, 0.0, False),  # for 0.6 points
        (0.91, 1.0, 0.004, True),  # a point for nothing
        (0.91, 1.0, 0.006, False),  # a point that may be chance
        (0.91, 1.5, 0.0, False),  # a point for half as much again
        (0.90, 0.99, 0.0, False),  # hardly anything
    ],
)
def test_better_is_more_accuracy_or_less_energy(accuracy, energy, uncertainty, is_better):
    assert Trial("change", accuracy, energy, 0.9, 1.0, uncertainty, (-1.0, 1.0)).is_better is is_better


@pytest.mark.parametrize(
    ("accuracy", "possible", "may_be_chance"),
    [
        (0.90, (-0.037, 0.037), True),  # nothing changed on 100 samples: more than half a point may be lost
        (0.90, (-0.004, 0.004), False),  # nothing changed on a thousand
        (0.91, (0.001, 0.02), False),
        (0.91, (-0.001, 0.02), True),  # a gain that may be none
    ],
)
def test_what_few_samples_leave_open_may_be_chance(accuracy, possible, may_be_chance):
    assert Trial("change", accuracy, 0.5, 0.9, 1.0, 0.0, possible).may_be_chance is may_be_chance


def test_what_is_tried_is_run_and_measured():
    network = IntegerNetwork(  # class 1 has the larger weight; in the second step both get as much again
        IntegerInput("input", (1,), 1),
        (Population("hidden", (1,), 0, 0, 0, 0), Population("out", (2,), 0, 4096, 0, 0, False)),  # type: ignore[arg-type]
        (
            IntegerConnection("a", "input", "hidden", np.array([[1]])),
            IntegerConnection("b", "hidden", "out", np.array([[1], [2]])),
        ),
        steps=4,
    )
    images, labels = np.ones((3, 1), np.uint8), np.array([1, 1, 0])
    costs = load_profile("cmos45")
    found = tried(network, fewer_steps(network), images, labels, costs)
    assert [t.change for t in found] == ["2 of 4 steps, nothing trained anew", "3 of 4 steps, nothing trained anew"]
    assert {t.accuracy for t in found} == {t.accuracy_before for t in found} == {2 / 3}
    whole = estimate_energy(network, {"a": np.full(3, 4), "b": np.full(3, 8)}, costs).total
    assert [t.energy_before for t in found] == [pytest.approx(whole)] * 2
    assert all(t.possible[0] < -0.4 and t.may_be_chance for t in found)  # three samples say next to nothing
    assert [t.saved for t in found] == [pytest.approx(0.5), pytest.approx(0.25)]


def test_channels_that_never_fired_are_taken_out_and_change_no_output():
    network = IntegerNetwork(
        IntegerInput("input", (2,), 1),
        (
            Population("hidden", (3,), [0, 9, 9], 0, 0, 0),  # type: ignore[arg-type]
            Population("out", (1,), 0, 4096, 0, 0, False),  # type: ignore[arg-type]
        ),
        (
            IntegerConnection("a", "input", "hidden", np.ones((3, 2))),
            IntegerConnection("b", "hidden", "out", np.array([[5, 6, 7]])),
        ),
        steps=2,
    )
    images = np.array([[1, 0], [1, 1]], np.uint8)
    (change, smaller), *none = without_dead_channels(network, layer_facts(network, images)).items()
    assert (change, none) == ("without 2 channels that never fired on these samples", [])
    assert smaller.populations[0].shape == (1,)
    run = load_backend("cpu").run
    np.testing.assert_array_equal(run(smaller, images).outputs, run(network, images).outputs)
    assert without_dead_channels(smaller, layer_facts(smaller, images)) == {}
    nothing = np.zeros((1, 2), np.uint8)  # all of the channels are dead: one stays
    (smaller,) = without_dead_channels(network, layer_facts(network, nothing)).values()
    assert smaller.populations[0].shape == (1,)
