"""A stream that is cut anywhere does what one run over all of it does: every spike, sum and count."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.streaming import gathers, open_stream
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

BACKENDS = ("reference", "cpu", "cpu:event")
COUNTS = ("spike_counts", "synaptic_operations", "wrapped_currents", "saturated_potentials")
STEPS = 12


def pieces(frames: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return `frames` cut at random places, some pieces of a single step."""
    rng = np.random.default_rng(seed)
    return np.split(frames, np.flatnonzero(rng.random(len(frames) - 1) < 0.5) + 1)


def require_same_stream(network: IntegerNetwork, seed: int) -> None:
    """Raise unless every backend, given `network`'s frames piece by piece, does what one run of the reference does."""
    whole = replace(network, steps=STEPS)
    frames = random_inputs(whole, 1, seed, static=bool(seed % 2))
    if seed % 2:
        frames = np.broadcast_to(frames, (STEPS, *frames.shape))
    expected = reference.run(whole, frames, record=True)
    for backend in BACKENDS:
        running = open_stream(backend, network)
        found = [running.advance(piece, record=True) for piece in pieces(frames, seed)]
        for name, spikes in expected.spikes.items():
            together = np.concatenate([part.spikes[name] for part in found])
            np.testing.assert_array_equal(together, spikes, err_msg=f"{backend}: spikes of {name}")
        for counts in COUNTS:
            for name, values in getattr(expected, counts).items():
                total = sum(getattr(part, counts)[name] for part in found)
                np.testing.assert_array_equal(total, values, err_msg=f"{backend}: {counts} of {name}")
        outputs = [part.outputs for part in found]
        last = sum(outputs) if network.output.fires else outputs[-1]
        np.testing.assert_array_equal(last, expected.outputs, err_msg=backend)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_a_random_network_fires_the_same_spikes_wherever_its_stream_is_cut(seed):
    require_same_stream(random_network(seed), seed)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_loops_delays_and_overflows_go_on_over_the_cuts(seed):
    features = Features(most_populations=4, pooling=False, overflows=True, firing_output=bool(seed % 3))
    require_same_stream(random_network(seed, features), seed)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_clearing_the_output_changes_no_spike_and_starts_its_sum_anew(seed):
    network = random_network(seed, Features(firing_output=False, graded_input=False))
    frames = random_inputs(replace(network, steps=STEPS), 1, seed, static=False)
    left = {}
    for backend in ("reference", "cpu"):
        kept, cleared = open_stream(backend, network), open_stream(backend, network)
        for piece in pieces(frames, seed):
            expected, found = kept.advance(piece, record=True), cleared.advance(piece, record=True)
            for name, spikes in expected.spikes.items():
                np.testing.assert_array_equal(found.spikes[name], spikes, err_msg=f"{backend}: {name}")
            left.setdefault(backend, []).append(found.outputs)
            cleared.clear_output()
    np.testing.assert_array_equal(np.concatenate(left["cpu"]), np.concatenate(left["reference"]))


def test_what_an_output_without_leak_gathers_in_each_window_adds_up_to_the_whole():
    seeds = (s for s in range(1000) if gathers(random_network(s, PLAIN)))
    network = random_network(next(seeds), PLAIN)
    frames = random_inputs(replace(network, steps=STEPS), 1, 0, static=False)
    whole = reference.run(replace(network, steps=STEPS), frames).outputs
    assert whole.any()
    running = open_stream("cpu", network)
    total = np.zeros_like(whole)
    for piece in np.split(frames, 3):
        total += running.advance(piece).outputs
        running.clear_output()
    np.testing.assert_array_equal(total, whole)


PLAIN = Features(
    firing_output=False,
    voltage_decay=False,
    current_decay=False,
    initial_value=False,
    extremes=False,
    per_channel=False,
)


def test_a_backend_that_starts_every_run_from_rest_is_refused():
    with pytest.raises(UserError, match=r"onnx.* keeps no state between windows. Choose one of cpu, reference\."):
        open_stream("onnx", random_network(0))
