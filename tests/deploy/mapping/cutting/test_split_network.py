"""What a network does on its cores, put together again, is what it does in the whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.mapping.cutting.split_network import split_network
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network import integer_semantics
from snn_deploy.support.user_error import UserError


def random_cores(network, rng, cores=3):
    """Neurons are thrown on cores one by one: stranger than any placement; the output has a core of its own."""
    return {
        p.name: rng.integers(0, cores, p.shape) if p.name != network.output.name else np.full(p.shape, cores)
        for p in network.populations
    }


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_cores_together_do_what_the_whole_network_does(seed):
    network = random_network(seed)
    frames = as_frames(network, random_inputs(network, 2, seed))
    whole = integer_semantics.run(network, frames)
    split = split_network(network, random_cores(network, np.random.default_rng(seed)))

    alone = integer_semantics.run(split.network, frames)

    for name, spikes in split.together(alone.spikes).items():
        np.testing.assert_array_equal(spikes, whole.spikes[name])
    output = split.network.output
    np.testing.assert_array_equal(alone.potentials[output.name].ravel(), whole.potentials[network.output.name].ravel())


def split_with_crossings(*, adaptation=True):
    for seed in range(100):
        network = random_network(seed, Features(adaptation=adaptation))
        split = split_network(network, random_cores(network, np.random.default_rng(seed)))
        if len(network.populations) < 3 or len(split.network.connections) <= 2 * len(network.connections):
            continue
        spikes = integer_semantics.run(network, as_frames(network, random_inputs(network, 4, 1))).spikes
        if all(0 < spikes[p.name].mean() < 1 for p in network.populations[:-1]):
            return network, split
    raise AssertionError("no such network")


def test_no_synapse_is_lost_or_doubled():
    network, split = split_with_crossings()
    total = sum(int(c.weights.astype(np.int64).sum()) for c in split.network.connections)
    whole = split_network(network, {p.name: np.zeros(p.shape, int) for p in network.populations})
    assert total == sum(int(c.weights.astype(np.int64).sum()) for c in whole.network.connections)
    sizes = {p.name: 0 for p in network.populations}
    for part in split.parts:
        sizes[part.population] += len(np.unique(part.neurons))
    assert sizes == {p.name: int(np.prod(p.shape)) for p in network.populations}


def test_the_cpu_simulator_runs_a_split_network():
    network, split = split_with_crossings()
    inputs = random_inputs(network, 3, 1)
    found = cpu.run(split.network, inputs, record=True)
    expected = cpu.run(network, inputs, record=True)
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    for name, spikes in split.together(found.spikes).items():
        np.testing.assert_array_equal(spikes, expected.spikes[name])


def test_a_synapse_that_is_left_out_shows():
    network, split = split_with_crossings(adaptation=False)  # with it neurons fire too rarely
    inputs = random_inputs(network, 4, 1)
    expected = cpu.run(network, inputs, record=True)
    changed = []
    for i, connection in enumerate(split.network.connections):
        less = list(split.network.connections)
        less[i] = replace(connection, weights=np.zeros_like(connection.weights))
        found = cpu.run(replace(split.network, connections=tuple(less)), inputs, record=True)
        together = split.together(found.spikes)
        changed.append(any((together[name] != spikes).any() for name, spikes in expected.spikes.items()))
    assert sum(changed) > len(changed) / 2


@pytest.mark.parametrize("seed", range(20))
def test_an_output_may_lie_on_several_cores(seed):
    network = random_network(seed)
    cores = random_cores(network, np.random.default_rng(seed))
    cores[network.output.name] = np.arange(np.prod(network.output.shape)).reshape(network.output.shape) % 2
    frames = as_frames(network, random_inputs(network, 2, seed))
    whole = integer_semantics.run(network, frames)
    split = split_network(network, cores)
    alone = integer_semantics.run(split.network, frames)
    for name, spikes in split.together(alone.spikes).items():
        np.testing.assert_array_equal(spikes, whole.spikes[name])
    found = alone.potentials[split.network.output.name]
    np.testing.assert_array_equal(found.ravel(), whole.potentials[network.output.name].ravel())


def test_missing_cores_are_refused():
    network = random_network(0)
    cores = random_cores(network, np.random.default_rng(0))
    del cores[network.output.name]
    with pytest.raises(UserError, match="has no such cores, but none"):
        split_network(network, cores)
