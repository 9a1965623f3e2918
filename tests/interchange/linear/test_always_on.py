"""A neuron that is always on brings each neuron of a layer its own constant, from the first step on."""

import numpy as np
import pytest

from snn_deploy.interchange.linear.always_on import ALWAYS_ON, always_on, constant_fields
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation
from snn_deploy.network.float_semantics import run


@pytest.mark.parametrize(
    ("entry", "weights", "reached"),
    [
        ((3,), (4, 3), (4,)),
        ((2, 3, 4), (5, 24), (5,)),
        ((2, 3, 4), (3, 2, 1, 1), (3, 3, 4)),
        ((2, 3, 4), (3, 2, 3, 4), (3, 1, 1)),
    ],
)
def test_its_weights_are_the_constant_of_each_neuron(entry, weights, reached):
    rng = np.random.default_rng(0)
    constant, source = rng.normal(size=reached), FloatInput("in", entry, 1, 1.0)
    neuron, silent = always_on(ALWAYS_ON)
    target = FloatPopulation("out", reached, 1e9, 0.0, 0.5)
    connections = (
        silent,
        FloatConnection("in-out", "in", "out", np.zeros(weights)),
        FloatConnection("bias", ALWAYS_ON, "out", **constant_fields(constant)),
    )
    network = FloatNetwork(source, (neuron, target), connections, 3)
    trace = run(network, rng.integers(0, 2, (3, 2, *entry)))
    assert trace.spikes[ALWAYS_ON].all()
    for step, share in enumerate((1, 1.5, 1.75)):  # half of the current is left in each step
        np.testing.assert_allclose(trace.potentials["out"][step, 1], share * constant, rtol=1e-12)
