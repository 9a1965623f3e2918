"""States that leave their 24 bits: where they can, what is counted, and that every backend makes the same of them."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.lava_help import needs_lava
from helpers.small_network import frames, one_neuron
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_deploy.deploy.backends import cpu, netx, reference
from snn_deploy.deploy.backends._lava.choice import check_sums
from snn_deploy.deploy.running.overflows import Overflow, can_overflow, overflow_line, overflows
from snn_deploy.deploy.verification.fuzz import fuzz
from snn_deploy.deploy.verification.random_network import NETX, Features, random_inputs, random_network
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

OVERFLOWING = Features(overflows=True, most_steps=12)


def test_random_networks_whose_states_overflow_are_identical_on_reference_cpu_and_onnx():
    pytest.importorskip("onnxruntime")
    found = fuzz(60, 5_000, ["reference", "cpu", "onnx"], features=OVERFLOWING)
    assert found.is_identical, str(found)
    assert found.refused == {}
    assert found.overflows > 5_000
    assert found.spikes > 5_000
    assert f"{found.overflows} states left their 24 bits" in str(found)


def overflowing(count, features):
    """Return (network, inputs) of the first `count` seeds whose states overflow, and whose sums fit Lava's 32 bits."""
    found = []
    for seed in range(5_000, 5_100):
        network = random_network(seed, features)
        inputs = random_inputs(network, 3, seed)
        try:
            check_sums(network)
        except UserError:
            continue
        counts = overflows(network, reference.run(network, inputs))
        if any(one.wrapped_currents and one.saturated_potentials for one in counts):
            found.append((network, inputs))
        if len(found) == count:
            return found
    raise AssertionError("too few networks whose states overflow")


@needs_lava
def test_lava_makes_the_same_of_them():
    for network, inputs in overflowing(3, replace(OVERFLOWING, loops=False)):
        found = verify(network, inputs, ["reference", "lava"])
        assert found.is_identical, str(found)


@needs_lava
def test_lava_dl_makes_the_same_of_them():
    ((network, inputs),) = overflowing(1, replace(NETX, overflows=True, most_steps=12))
    found = verify(network, inputs, ["reference", "netx"])
    assert found.is_identical, str(found)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_every_path_of_the_cpu_counts_what_the_reference_counts(seed):
    network = random_network(seed, OVERFLOWING)
    inputs = random_inputs(network, 3, seed)
    expected = overflows(network, reference.run(network, inputs))
    for path in (None, "int8", "float32", "event", "wide"):
        assert overflows(network, cpu.prepared(network, path).run(inputs)) == expected


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_no_state_overflows_where_the_proof_says_that_none_can(seed):
    network = random_network(seed)
    inputs = random_inputs(network, 3, seed, static=False)
    possible = can_overflow(network)
    for states in integer_semantics.steps(network, inputs):
        for name, state in states.items():
            assert name in possible or not (state.is_wrapped.any() or state.is_saturated.any())


def counted(network, shown):
    return overflows(network, reference.run(network, shown))


def test_they_are_counted_by_kind():
    """255 x 127 x 2^8 is 8,290,560, below 2^23: two steps saturate the potential; two such inputs wrap the current."""
    network = one_neuron(127, exponent=2, steps=3, fires=False)
    assert counted(network, frames([255, 255, 255])) == (Overflow("out", 0, 2, 3),)
    network = one_neuron(127, exponent=2, steps=3, fires=False, inputs=2)
    assert counted(network, frames([255, 0, 255], inputs=2))[0].wrapped_currents == 2
    assert counted(network, frames([1, 2, 3], inputs=2)) == (Overflow("out", 0, 0, 3),)


def test_nothing_is_counted_and_nothing_said_where_it_is_proved():
    network = one_neuron(1, steps=3, fires=False)
    assert counted(network, frames([255, 255, 255])) == ()
    assert list(overflow_line((), "1 samples")) == []


def test_a_backend_that_does_not_count_is_said_only_where_there_is_something_to_count():
    proved, open_ = one_neuron(1, steps=3), one_neuron(127, exponent=7, steps=3)
    for network, expected in ((proved, ()), (open_, None)):
        simulation = reference.run(network, frames([1, 2, 3]))
        uncounted = replace(simulation, wrapped_currents=None, saturated_potentials=None)
        assert overflows(network, uncounted) == expected
    assert "does not count them" in next(iter(overflow_line(None, "1 samples")))


def test_lava_dl_is_not_given_a_convolution_whose_sums_its_process_wraps():
    """300 weights of 127 at inputs of 255 sum up to 9,715,500, beyond the 2^23 - 1 of Lava's Conv."""
    network = IntegerNetwork(
        IntegerInput("input", (3, 10, 10)),
        (IntegerPopulation("out", (1, 1, 1), 0, 4096, 0, 0, fires=False),),
        (IntegerConnection("kernel", "input", "out", np.full((1, 3, 10, 10), 127)),),
        1,
    )
    with pytest.raises(UserError, match=r"connection 'kernel': sums of up to 9715500 .* wraps sums beyond 8388607"):
        netx.expected_seconds(network, 1)
