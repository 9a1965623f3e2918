"""An export says so where what was asked for changes nothing."""

import numpy as np
import pytest
import torch

import snn_deploy as sd
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation


def _network(weights):
    populations = tuple(
        FloatPopulation(
            name, (2,), threshold=np.ones(2), voltage_keep=np.ones(2), current_keep=np.zeros(2), fires=fires
        )
        for name, fires in (("hidden", True), ("out", False))
    )
    connections = (
        FloatConnection("a", "input", "hidden", np.array(weights)),
        FloatConnection("b", "hidden", "out", np.array([[0.5, -0.3], [-0.2, 0.4]])),
    )
    return FloatNetwork(FloatInput("input", (2,), 1, 1.0), populations, connections, steps=2)


@pytest.mark.parametrize(
    ("weights", "bits", "is_said"),
    [
        ([[0.5, -0.25], [0.125, 0.5]], 9, True),
        ([[0.5, -0.25], [0.125, 0.5]], 8, False),
        ([[0.5, 0.25], [0.125, 0.5]], 9, False),
    ],
)
def test_nine_bits_that_no_connection_uses(weights, bits, is_said):
    network = _network(weights)
    result = sd.export(network, weight_bits=bits)
    assert ("here none shares one: as with 8" in str(result)) is is_said
    eight = sd.export(network, weight_bits=8).network
    same = all(
        np.array_equal(a.weights, b.weights) for a, b in zip(result.network.connections, eight.connections, strict=True)
    )
    assert same is (is_said or bits == 8)


def test_a_module_s_integers_are_held_against_its_floats_on_the_inputs_where_there_are_some():
    torch.manual_seed(0)
    network = sd.from_torch(torch.nn.Sequential(torch.nn.Linear(4, 3, bias=False), sd.LIF()), (4,), 3)
    assert "as in floats, on 4 random samples; with inputs=, on yours" in str(sd.export(network))
    inputs = np.random.default_rng(0).integers(0, 256, (6, 4), dtype=np.uint8)
    assert "as in floats, on 6 of the inputs" in str(sd.export(network, inputs=inputs))


def test_what_was_rounded_in_many_populations_is_one_line():
    layers = [layer for _ in range(8) for layer in (torch.nn.Linear(3, 3, bias=False), sd.LIF(voltage_keep=0.3))]
    network = sd.from_torch(torch.nn.Sequential(*layers), (3,), 3)
    (line,) = [line for line in str(sd.export(network, round_decays=True)).splitlines() if "decays rounded" in line]
    assert line == "decays rounded, by up to 4.88e-05: 1, 3, 5, 7, 9, 11 and 2 more populations"


@pytest.mark.parametrize(("levels", "is_said"), [(255, True), (16, False)])
def test_inputs_of_many_levels_that_cost_weight_bits_are_named(levels, is_said):
    torch.manual_seed(0)
    layers = (torch.nn.Linear(400, 4), sd.LIF(voltage_keep=0.984375, threshold=0.5))
    network = sd.from_torch(torch.nn.Sequential(*layers), (400,), 8, largest_value=levels)
    said = str(sd.export(network, shift="bias"))
    assert ("weight bits of 1; --states measured or inputs of fewer levels may cost fewer." in said) is is_said
