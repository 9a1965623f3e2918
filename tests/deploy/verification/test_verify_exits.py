"""Samples that stop early on several backends: what is equal, and which difference is named for what."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.lava_help import needs_lava
from helpers.random_net import random_net
from helpers.stopping import median_policy, network_with_exits

from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.verification import verify_exits as module
from snn_deploy.deploy.verification.random_network import random_inputs
from snn_deploy.deploy.verification.verify import OutputDifference, SpikeDifference
from snn_deploy.deploy.verification.verify_exits import ExitDifference, verify_exits

SAMPLES = 8


class Stub:
    """A backend that gives what the reference gives, changed by `change`, which is told the steps."""

    def __init__(self, change):
        self.change = change

    def run(self, network, inputs, *, record=False, progress=None):
        found = reference.run(network, inputs, record=record)
        return self.change(found, network.steps)


@pytest.fixture
def network():
    """A random network whose output is read from potentials."""
    return next(n for n in map(network_with_exits, range(50)) if not n.output.fires)


@pytest.fixture
def inputs(network):
    return random_inputs(network, SAMPLES, 5)


@pytest.fixture
def compare(network, inputs, monkeypatch):
    """(first backend, second) -> what comparing the two finds; a function is a backend that changes the reference."""

    def comparison(first, second):
        stubs = {"first": Stub(first) if callable(first) else first, "second": Stub(second)}
        monkeypatch.setattr(module, "load_backend", stubs.__getitem__)
        return verify_exits(network, inputs, median_policy(network, inputs), ["first", "second"])

    return comparison


@pytest.mark.parametrize("seed", range(10))
def test_reference_cpu_and_onnx_stop_alike(seed):
    network = network_with_exits(seed)
    inputs = random_inputs(network, SAMPLES, seed)
    policy = median_policy(network, inputs)
    advanced = []
    found = verify_exits(network, inputs, policy, ["reference", "cpu", "onnx"], advanced.append)
    assert found.is_identical, str(found)
    whole = reference.run(network, inputs, record=True)
    fired = [s[: found.steps[i], i].sum() for n, s in whole.spikes.items() if n != network.input.name
             for i in range(SAMPLES)]  # fmt: skip
    assert found.spikes == sum(fired)
    assert str(found).startswith(f"identical up to the exits: {SAMPLES} samples, {found.steps.mean():.2f} steps")
    assert found.as_json()["steps"] == found.steps.tolist()
    assert sum(advanced) == SAMPLES * 4  # the whole run, and each backend's to the exits


@needs_lava
def test_the_lava_backends_stop_alike():
    network = random_net(42)
    inputs = random_inputs(network, 4, 42)
    found = verify_exits(network, inputs, median_policy(network, inputs), ["cpu", "lava", "netx"])
    assert found.is_identical, str(found)


def test_a_spike_before_the_exit_is_named_with_its_operands(network, compare):
    name = next(p.name for p in network.populations if p.fires)

    def wrong(simulation, steps):
        spikes = {key: values.copy() for key, values in simulation.spikes.items()}
        spikes[name][0, 0].flat[0] ^= 1
        return replace(simulation, spikes=spikes)

    found = compare(reference, wrong)
    (difference,) = found.differences
    assert isinstance(difference, SpikeDifference)
    assert (difference.backend, difference.population, difference.step, difference.sample) == ("second", name, 0, 0)
    assert found.operands[0] is not None
    assert "second, with exits, differs from first: population" in str(found)
    assert found.as_json()["differences"][0]["kind"] == "spike"


def test_a_backend_whose_early_spikes_depend_on_how_many_steps_follow_differs_from_itself(network, compare):
    name = next(p.name for p in network.populations if p.fires)

    def foresees(simulation, steps):
        spikes = {key: values.copy() for key, values in simulation.spikes.items()}
        spikes[name][0] ^= spikes[name].dtype.type(steps < network.steps)
        return replace(simulation, spikes=spikes)

    found = compare(foresees, foresees)
    assert [d.backend for d in found.differences] == ["first", "second"]
    assert found.differences[0].step == 0


def test_another_exit_with_equal_spikes_is_named(network, inputs, compare):
    steps = median_policy_steps(network, inputs)
    early = int(np.flatnonzero(steps == 1)[0])

    def unsure(simulation, steps):
        outputs = np.zeros_like(simulation.outputs) if steps == 1 else simulation.outputs
        return replace(simulation, outputs=outputs)

    (difference,) = compare(reference, unsure).differences
    assert isinstance(difference, ExitDifference)
    assert (difference.sample, difference.expected) == (early, 1)
    assert difference.found > 1
    assert str(difference) == f"sample {early} stops in step {difference.found} instead of 1"


def test_another_output_at_the_same_exit_is_named_with_the_operands_of_that_step(network, inputs, compare):
    def shifted(simulation, steps):
        return replace(simulation, outputs=simulation.outputs + 3)  # the margin is the same

    found = compare(reference, shifted)
    (difference,) = found.differences
    assert isinstance(difference, OutputDifference)
    assert difference.found == difference.expected + 3
    assert found.operands[0] is not None
    assert len(found.operands[0].history) == median_policy_steps(network, inputs)[0] - 1
    assert found.as_json()["differences"][0]["kind"] == "output"


def median_policy_steps(network, inputs):
    return module.run_with_exits(network, inputs, median_policy(network, inputs), cpu).steps
