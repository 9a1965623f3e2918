"""The LIF of this package and the population made of it fire the same spikes, in double precision."""

import pytest
from helpers.network_of_neurons import image, require_equal, vector

from snn_deploy.train.layers.lif_module import LIF


@pytest.mark.parametrize("at_threshold", [True, False])
def test_leaky(at_threshold):
    require_equal(LIF(0.5, 1.0, fires_at_threshold=at_threshold), vector())
    require_equal(LIF(0.75, 0.5, fires_at_threshold=at_threshold), image())
