"""How far states go on samples, against a plain search through everything that float_semantics gives."""

import numpy as np
import pytest
from helpers.random_float_network import random_float_network, random_pixels

from snn_deploy.network import float_semantics, largest_states


@pytest.mark.parametrize("seed", range(8))
def test_they_are_the_largest_of_every_neuron_step_and_sample(seed, monkeypatch):
    monkeypatch.setattr(largest_states, "_VALUES_AT_A_TIME", 1)  # one sample at a time, so that they are joined
    rng = np.random.default_rng(seed)
    network = random_float_network(rng, rich=True)
    frames = np.broadcast_to(random_pixels(rng, network), (network.steps, 3, *network.input.shape))
    told = []
    found = largest_states.largest_states(network, frames, told.append)
    assert sum(told) == 3
    trace = float_semantics.run(network, frames)
    currents = {p.name: 0.0 for p in network.populations}
    for states in float_semantics.steps(network, frames):
        for name, state in states.items():
            channels = np.abs(state.current).reshape(3, len(found[name].current), -1)
            currents[name] = np.maximum(currents[name], channels.max(axis=(0, 2)))
    for p in network.populations:
        potentials = np.abs(trace.potentials[p.name]).reshape(network.steps, 3, p.shape[0], -1)
        np.testing.assert_allclose(found[p.name].potential, potentials.max(axis=(0, 1, 3)), rtol=1e-12)
        np.testing.assert_allclose(found[p.name].current, currents[p.name], rtol=1e-12)
        assert (found[p.name].largest >= found[p.name].current).all()
