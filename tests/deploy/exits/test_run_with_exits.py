"""The prefix property: what happens up to an exit is what happens in the whole run, on every backend."""

import numpy as np
import pytest
from helpers.lava_help import needs_lava
from helpers.random_net import random_net
from helpers.stopping import median_policy, network_with_exits

from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.exits.exit_policy import ExitPolicy, at_exits
from snn_deploy.deploy.exits.outputs_by_step import outputs_by_step
from snn_deploy.deploy.exits.run_with_exits import run_with_exits
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.simulation import Interrupted, as_frames
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.network import integer_semantics
from snn_deploy.support.user_error import UserError


@pytest.mark.parametrize("is_image", [True, False])
@pytest.mark.parametrize("seed", range(15))
def test_samples_up_to_their_exit_are_the_start_of_the_whole_run(seed, is_image, monkeypatch):
    monkeypatch.setattr(cpu, "_SAMPLES_AT_A_TIME", 3)
    network = network_with_exits(seed)
    inputs = random_inputs(network, 8, seed, static=is_image)
    outputs = outputs_by_step(network, cpu.prepared(network), inputs)
    trace = reference.run(network, inputs, record=True)
    np.testing.assert_array_equal(outputs[-1], trace.outputs)
    policy = median_policy(network, inputs)
    steps = policy.exits(outputs)
    for backend in (cpu, reference):
        found = run_with_exits(network, inputs, policy, backend)
        np.testing.assert_array_equal(found.steps, steps)
        np.testing.assert_array_equal(found.simulation.outputs, at_exits(outputs, steps))
        for name, spikes in trace.spikes.items():
            up_to = [np.count_nonzero(spikes[: steps[i], i]) for i in range(8)]
            np.testing.assert_array_equal(found.simulation.spike_counts[name], up_to)


def test_outputs_by_step_are_the_references_potentials():
    network = next(n for n in map(random_network, range(50)) if not n.output.fires and n.steps > 2)
    inputs = random_inputs(network, 5, 0)
    expected = integer_semantics.run(network, as_frames(network, inputs)).left[network.output.name]
    found = outputs_by_step(network, cpu.prepared(network), inputs)
    np.testing.assert_array_equal(found, expected.reshape(found.shape))


# Of random_net, 42 is recurrent with delays, and 53 has convolutions.
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        *((name, seed) for name in ("reference", "cpu", "onnx") for seed in (42, 53)),
        pytest.param("netx", 53, marks=needs_lava),
        pytest.param("lava", 42, marks=needs_lava),
    ],
)
def test_every_spike_up_to_the_exit_is_that_of_the_whole_run_on_every_backend(name, seed):
    network = random_net(seed)
    inputs = random_inputs(network, 6, seed)
    policy = median_policy(network, inputs)
    whole = reference.run(network, inputs, record=True)
    found = run_with_exits(network, inputs, policy, load_backend(name), record=True)
    outputs = outputs_by_step(network, cpu.prepared(network), inputs)
    steps = policy.exits(outputs)
    np.testing.assert_array_equal(found.steps, steps)
    assert len(set(steps)) > 1
    np.testing.assert_array_equal(found.simulation.outputs, at_exits(outputs, steps))
    for key, spikes in whole.spikes.items():
        for i, step in enumerate(steps):
            np.testing.assert_array_equal(found.simulation.spikes[key][:step, i], spikes[:step, i], key)
            assert not found.simulation.spikes[key][step:, i].any()
    counted = run_with_exits(network, inputs, policy, cpu).simulation
    for counts in ("spike_counts", "synaptic_operations"):
        for key, values in getattr(counted, counts).items():
            np.testing.assert_array_equal(getattr(found.simulation, counts)[key], values)


def test_a_policy_of_another_network_is_refused():
    network = network_with_exits(0)
    policy = ExitPolicy("other", "margin", (None,) * (network.steps - 1))
    with pytest.raises(UserError, match="another network"):
        run_with_exits(network, random_inputs(network, 2, 0), policy, cpu)


def test_an_interrupt_leaves_no_half_of_the_samples(monkeypatch):
    network = network_with_exits(0)

    class Stopped:
        def run(self, *_, **__):
            raise Interrupted(None)

    policy = ExitPolicy(network.digest, "margin", (None,) * (network.steps - 1))
    with pytest.raises(Interrupted) as stopped:
        run_with_exits(network, random_inputs(network, 2, 0), policy, Stopped())
    assert stopped.value.simulation is None
