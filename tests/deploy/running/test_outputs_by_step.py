"""The potentials of an output that gives values: the same after every step on all backends, and in a stream."""

import math
from dataclasses import replace

import numpy as np
import pytest

from snn_deploy.deploy.backends import cpu, onnx, reference
from snn_deploy.deploy.running.simulation import as_frames, joined
from snn_deploy.deploy.running.streaming import open_stream
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.deploy.verification.verify import first_difference
from snn_deploy.network import integer_semantics
from snn_deploy.network.value_reading import ValueReading


def network_of(seed):
    """Return a random network whose output does not fire, and says that it gives values; None where it fires."""
    network = random_network(seed, Features())
    if network.output.fires:
        return None
    count = math.prod(network.output.shape)
    return replace(network, provenance={"values": ValueReading(np.zeros(count), np.ones(count)).to_dict()})


NETWORKS = {seed: network for seed in range(40) if (network := network_of(seed)) is not None and network.steps > 1}
SEEDS = list(NETWORKS)[:8]


def frames_of(seed):
    return as_frames(NETWORKS[seed], random_inputs(NETWORKS[seed], 3, seed, static=bool(seed % 2)))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_backend_reads_what_the_integer_semantics_say_after_every_step(seed):
    network, frames = NETWORKS[seed], frames_of(seed)
    trace = integer_semantics.run(network, frames)
    expected = trace.left[network.output.name].reshape(network.steps, 3, -1)
    for backend in (reference, cpu, onnx):
        found = backend.run(network, frames, record=True)
        np.testing.assert_array_equal(found.outputs_by_step, expected, err_msg=backend.__name__)
        np.testing.assert_array_equal(found.outputs, expected[-1])


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_stream_reads_them_wherever_it_is_cut(backend):
    network, frames = NETWORKS[SEEDS[0]], frames_of(SEEDS[0])[:, :1]
    running = open_stream(backend, network)
    cut = len(frames) // 2
    found = [running.advance(piece).outputs_by_step for piece in (frames[:cut], frames[cut:]) if len(piece)]
    np.testing.assert_array_equal(np.concatenate(found), reference.run(network, frames).outputs_by_step)


def test_samples_that_ran_apart_are_joined_in_order():
    network, frames = NETWORKS[SEEDS[0]], frames_of(SEEDS[0])
    found = joined([cpu.run(network, frames[:, :1]), cpu.run(network, frames[:, 1:])])
    np.testing.assert_array_equal(found.outputs_by_step, cpu.run(network, frames).outputs_by_step)


def test_a_network_of_classes_reads_nothing_in_between():
    network = replace(NETWORKS[SEEDS[0]], provenance={})
    assert cpu.run(network, frames_of(SEEDS[0])).outputs_by_step is None


def test_a_potential_that_differs_in_the_middle_alone_is_a_difference():
    network, frames = NETWORKS[SEEDS[0]], frames_of(SEEDS[0])
    expected = cpu.run(network, frames, record=True)
    other = expected.outputs_by_step.copy()
    other[0, 1, 0] += 1
    assert len(other) > 1  # so it is not the last step's output that differs
    found = first_difference(network, "cpu", expected, replace(expected, outputs_by_step=other))
    assert (found.step, found.sample, found.class_index, found.found - found.expected) == (0, 1, 0, 1)
    assert "value 0, step 0, sample 1" in str(found)
    assert first_difference(network, "cpu", expected, expected) is None
