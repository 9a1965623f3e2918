"""What a report suggests was tried."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.energy import estimate_energy
from snn_deploy.deploy.report.trials import Trial, fewer_steps, tried
from snn_deploy.export.integer_network import IntegerConnection, IntegerInput, IntegerNetwork
from snn_deploy.export.integer_network import IntegerPopulation as Population
from snn_deploy.hardware_profiles.profile import load_profile


def test_half_of_the_steps_and_one_less():
    network = one_neuron(steps=6)
    assert [n.steps for n in fewer_steps(network).values()] == [5, 3]
    assert [n.steps for n in fewer_steps(replace(network, steps=2)).values()] == [1]
    assert fewer_steps(replace(network, steps=1)) == {}


@pytest.mark.parametrize(
    ("accuracy", "energy", "is_better"),
    [
        (0.90, 0.5, True),  # half of the energy for nothing
        (0.896, 0.5, True),  # for 0.4 points
        (0.894, 0.5, False),  # for 0.6 points
        (0.91, 1.0, True),  # a point for nothing
        (0.91, 1.5, False),  # a point for half as much again
        (0.90, 0.99, False),  # hardly anything
    ],
)
def test_better_is_more_accuracy_or_less_energy(accuracy, energy, is_better):
    assert Trial("change", accuracy, energy, 0.9, 1.0).is_better is is_better


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
    assert [t.saved for t in found] == [pytest.approx(0.5), pytest.approx(0.25)]
