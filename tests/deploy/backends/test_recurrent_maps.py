"""A map that feeds itself through a convolution, as `16C3R` makes it, on every backend that runs it."""

import numpy as np
import pytest
from helpers.lava_help import assert_identical, lava_equals_reference, needs_lava

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.fitting.planned_network import planned_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.train.models.layer_string import Model


@pytest.fixture
def network() -> IntegerNetwork:
    """Weights of +-7 at random; thresholds of 1 and 2."""
    return planned_network(Model("4C3S2R-P2-6C1x3R-9R-5").plan((2, 12, 10), 5), 4, largest_value=1, weight_bits=4)


@pytest.fixture
def frames(network) -> np.ndarray:
    return (np.random.default_rng(2).random((4, 3, *network.input.shape)) < 0.1).astype(np.uint8)


@pytest.mark.parametrize("name", ["cpu", "onnx"])
def test_it_has_the_spikes_of_the_reference(name, network, frames):
    expected = reference.run(network, frames, record=True)
    assert all(0 < spikes.mean() < 1 for p, spikes in expected.spikes.items() if p != "output")
    assert_identical(load_backend(name).run(network, frames, record=True), expected)


@needs_lava
def test_on_lava_as_well(network, frames):
    lava_equals_reference(network, frames[:, :1])
