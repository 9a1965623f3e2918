"""The CPU backend equals the reference: every spike, every potential, every count."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.small_network import frames, one_neuron
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import cpu, reference
from snn_deploy.deploy.backends._cpu import limits
from snn_deploy.deploy.backends._cpu.layer import layer_of
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network.evaluation_order import blocks, is_recurrent
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

seeds = st.integers(0, 2**32 - 1)


def require_equal(found: Simulation, expected: Simulation) -> None:
    assert found.spikes is not None
    assert expected.spikes is not None
    for name, spikes in expected.spikes.items():
        np.testing.assert_array_equal(found.spikes[name], spikes, err_msg=f"spikes of {name}")
    assert list(found.spikes) == list(expected.spikes)
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    for counts in ("spike_counts", "synaptic_operations", "wrapped_currents", "saturated_potentials"):
        assert list(getattr(found, counts)) == list(getattr(expected, counts))
        for name, values in getattr(expected, counts).items():
            np.testing.assert_array_equal(getattr(found, counts)[name], values, err_msg=f"{counts} of {name}")


PATHS = (None, "int8", "float32", "event", "wide")


def require_same(network: IntegerNetwork, inputs: np.ndarray) -> None:
    """Raise unless every path, forced wherever it is exact, makes what the reference makes of `inputs`."""
    expected = reference.run(network, inputs, record=True)
    for path in PATHS:
        require_equal(cpu.prepared(network, path).run(inputs, record=True), expected)


@given(seed=seeds)
@settings(max_examples=300)
def test_every_spike_and_output_of_a_random_network_equals_the_reference(seed):
    network = random_network(seed)
    require_same(network, random_inputs(network, samples=1 + seed % 8, seed=seed))


@given(seed=seeds)
@settings(max_examples=60)
def test_random_networks_with_loops_in_every_form_equal_the_reference(seed):
    network = random_network(seed, Features(most_populations=6, pooling=False, extremes=False))
    require_same(network, random_inputs(network, samples=1, seed=seed))


@pytest.mark.parametrize("static", [True, False])
def test_an_image_shown_in_every_step_is_the_same_as_its_frames(static):
    network = random_network(5, Features(loops=False))
    image = random_inputs(network, samples=3, seed=5, static=True)
    repeated = np.stack([image] * network.steps)
    require_equal(
        cpu.run(network, image if static else repeated, record=True), reference.run(network, image, record=True)
    )


def test_the_random_networks_of_these_tests_are_neither_silent_nor_saturated():
    rates = []
    for seed in range(60):
        network = random_network(seed)
        spikes = cpu.run(network, random_inputs(network, samples=2, seed=seed), record=True).spikes
        assert spikes is not None
        rates += [spikes[p.name].mean() for p in network.populations if p.fires]
    assert np.mean([0 < rate < 1 for rate in rates]) > 0.5


def test_the_random_networks_of_these_tests_use_every_number_type():
    layers = []
    for seed in range(400):
        network = random_network(seed)
        layers += [layer_of(network, p) for p in network.populations]
    assert {layer.sum_type for layer in layers} == {np.float32, np.float64}
    assert {layer.state_type for layer in layers} == {np.int32, np.int64}


def test_more_samples_than_fit_at_a_time_give_the_same_as_one_by_one(monkeypatch):
    network = random_network(8)
    inputs = random_inputs(network, samples=7, seed=8, static=True)
    done: list[int] = []
    monkeypatch.setattr(cpu, "_SAMPLES_AT_A_TIME", 3)
    split = cpu.run(network, inputs, record=True, progress=done.append)
    require_equal(split, reference.run(network, inputs, record=True))
    assert done == [3, 3, 1]


def test_nothing_is_recorded_unless_asked():
    network = random_network(8)
    assert cpu.run(network, random_inputs(network, samples=1, seed=8)).spikes is None


@pytest.mark.parametrize("inputs", [515, 516, 519, 520])
def test_sums_around_2_to_the_24_are_exact(inputs):
    # 255 * 127 * 518.06 = 2^24: below, float32 holds every sum; beyond, it would lose the odd ones.
    network = one_neuron(127, steps=1, fires=False, inputs=inputs, bias=-(2**23) + 1, loop=None)
    values = np.full((1, inputs), 255, np.uint8)
    values[0, :3] = [254, 253, 1]
    assert limits.sum_type(255 * 127 * inputs) is (np.float32 if inputs < 519 else np.float64)
    require_same(network, values)


@given(seed=seeds)
@example(seed=0)
@settings(max_examples=20)
def test_sums_beyond_2_to_the_24_are_exact_to_the_last_bit(seed):
    # The potential saturates far below 2^24, so the difference of two large sums is what shows the last bit.
    rng = np.random.default_rng(seed)
    weights = np.concatenate([rng.integers(100, 128, 700), -rng.integers(100, 128, 700)])[None]
    values = rng.integers(200, 256, (2, 1400)).astype(np.uint8)
    neurons = IntegerPopulation("out", (1,), 0, 0, 0, 0, fires=False)
    connection = IntegerConnection("synapse", "input", "out", weights)
    network = IntegerNetwork(IntegerInput("input", (1400,)), (neurons,), (connection,), 1)
    assert layer_of(network, neurons).sum_type is np.float64
    require_same(network, values)


@pytest.mark.parametrize(
    ("largest", "states"), [(2**18 - 1, np.int32), (2**18, np.int32), (2**18 + 1, np.int64), (2**40, np.int64)]
)
def test_states_are_32_bit_only_where_one_wrap_is_proved_to_be_enough(largest, states):
    assert limits.state_type(largest) is states


@pytest.mark.parametrize("keep", [0, 1, 1000, 4095, 4096])
@pytest.mark.parametrize("sign", [1, -1])
def test_32_bit_states_hold_the_largest_sums_and_currents(keep, sign):
    # 2^18 a step: 4 * 128 * 4 * 2^7. The current reaches 2^23 and wraps from 2^24 + 2^23.
    network = one_neuron(sign * 64, steps=4, inputs=8, exponent=7, current_keep=keep, voltage_keep=keep)
    narrow = IntegerNetwork(IntegerInput("input", (8,), 4), network.populations, network.connections, 4)
    assert layer_of(narrow, narrow.output).state_type is np.int32
    for values in ([4, 4, 4, 4], [2, 2, 4, 1], [2, 0, 0, 4]):
        require_same(narrow, frames(values, 8))


def test_a_connection_that_goes_back_without_a_loop_is_no_loop():
    # "late" stands last and "early" hears it: late's spikes are complete before early's turn.
    populations = tuple(IntegerPopulation(n, (1,), 0, 0, 0, 0) for n in ("early", "late"))
    connections = (
        IntegerConnection("in", "input", "late", np.array([[1]])),
        IntegerConnection("back", "late", "early", np.array([[1]]), delay=2),
    )
    network = IntegerNetwork(IntegerInput("input", (1,)), populations, connections, 4)
    assert blocks(network) == (("late",), ("early",))
    assert not any(is_recurrent(network, block) for block in blocks(network))
    require_same(network, frames([1, 0, 1, 1]))


@given(seed=seeds)
@settings(max_examples=50)
def test_a_block_only_needs_blocks_before_it(seed):
    network = random_network(seed, Features(most_populations=6))
    ready = {network.input.name}
    for block in blocks(network):
        assert all(c.source in ready | set(block) for name in block for c in network.connections_to(name))
        ready |= set(block)
    assert ready == {network.input.name, *(p.name for p in network.populations)}


def test_the_thread_count_of_torch_is_restored():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    network = random_network(1)
    try:
        cpu.run(network, random_inputs(network, samples=1, seed=1))
        assert torch.get_num_threads() == 2
        with pytest.raises(UserError):
            cpu.run(network, np.zeros((1, 99, 98, 97), np.uint8))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_inputs_beyond_the_largest_value_are_refused():
    network = IntegerNetwork(
        IntegerInput("input", (1,), 3), one_neuron(steps=1).populations, one_neuron(steps=1).connections, 1
    )
    with pytest.raises(UserError, match=r"inputs 4\.\.4; the network's input takes 0\.\.3"):
        cpu.run(network, np.array([[4]]))


def test_after_make_ready_a_run_compiles_nothing(tmp_path):
    """In a process of its own with an empty cache: here, other tests have compiled most kernels already."""
    code = (
        "from numba.core.event import install_recorder\n"
        "from snn_deploy.deploy.backends import cpu\n"
        "from snn_deploy.deploy.verification.random_network import random_inputs, random_network\n"
        "compiled = []\n"
        "for seed in (2, 3, 5, 8, 11, 14):\n"
        "    network = random_network(seed)\n"
        "    with install_recorder('numba:compile') as before:\n"
        "        cpu.make_ready(network)\n"
        "    with install_recorder('numba:compile') as after:\n"
        "        cpu.run(network, random_inputs(network, 2, seed), record=True)\n"
        "    compiled.append((len(before.buffer), len(after.buffer)))\n"
        "print(sum(first for first, _ in compiled) > 0, sum(later for _, later in compiled))\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
