"""One threshold for each layer and other weights: not one spike changes in floats."""

import numpy as np
import pytest
from helpers.random_float_network import random_float_network

from snn_deploy.export.passes.even_thresholds import even_thresholds
from snn_deploy.export.to_integer_network import fold
from snn_deploy.network import float_semantics


@pytest.mark.parametrize("seed", range(20))
def test_every_spike_stays(seed):
    rng = np.random.default_rng(seed)
    network = fold(random_float_network(rng, rich=True), "bias")
    shape = (network.steps, 2, *network.input.shape)
    frames = rng.integers(0, network.input.largest_value + 1, shape).astype(float)
    even = even_thresholds(network)
    before, after = float_semantics.run(network, frames), float_semantics.run(even, frames)
    for p in even.populations:
        np.testing.assert_array_equal(after.spikes[p.name], before.spikes[p.name])
        if p.fires and p.threshold.min() > 0:
            assert np.ptp(p.threshold) == 0
