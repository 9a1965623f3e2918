"""The times of all neurons together are those of the cores, as latency.py counts them."""

from dataclasses import replace

import numpy as np
import pytest

import snn_deploy as sd
from snn_deploy.deploy.energy.neuron_times import neuron_times
from snn_deploy.deploy.running.mean_spikes import mean_of_recorded
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI = load_profile("loihi1")


def layers(share_of_zeros):
    """Return a convolution and a dense layer of random weights; so large a share of each is zero."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return rng.integers(1, 90, shape) * (rng.random(shape) >= share_of_zeros)

    ones = np.ones(4, int)
    a = IntegerPopulation("a", (4, 6, 6), 90 * ones, 4096 * ones, 0 * ones, 0 * ones)
    return IntegerNetwork(
        IntegerInput("in", (2, 6, 6), 1),
        (a, replace(a, name="out", shape=(4,))),
        (
            IntegerConnection("to_a", "in", "a", weights(4, 2, 3, 3), padding=(1, 1)),
            IntegerConnection("to_out", "a", "out", weights(4, 36), pool=(2, 2)),
        ),
        4,
    )


# Which lists of weights with many zeros hold the zeros is known only when blocks are cut.
@pytest.mark.parametrize(("share_of_zeros", "exact"), [(0, 1e-6), (0.9, 0.2)])
def test_the_times_of_the_neurons_add_up_to_those_of_the_cores(share_of_zeros, exact):
    network = layers(share_of_zeros)
    images = np.random.default_rng(1).integers(0, 2, (5, 2, 6, 6))
    run = sd.run(network, images, backend="cpu", record=True)
    times = neuron_times(network, mean_of_recorded(run.simulation), LOIHI)
    events = sd.place(network, chip="loihi1", spikes=run).energy(run).events
    assert events.core_spikes.sum() > 0
    operations = events.core_operations.sum(axis=2).mean() * LOIHI.number("latency.synaptic_op")
    active, inactive = (LOIHI.number(f"latency.neuron_update_{kind}") for kind in ("active", "inactive"))
    updates = events.compartments.sum() * inactive + events.core_spikes.sum(axis=2).mean() * (active - inactive)
    assert {name: t.shape for name, t in times.items()} == {"a": (4, 6, 6), "out": (4,)}
    assert sum(t.sum() for t in times.values()) == pytest.approx(operations + updates, rel=exact)
