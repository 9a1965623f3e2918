from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from helpers.small_network import one_neuron

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.deploy.verification.input_sets import check_inputs, nasty_sets, random_sets
from snn_deploy.deploy.verification.random_network import Features, random_network
from snn_deploy.deploy.verification.verify import first_difference, verify
from snn_deploy.network import integer_semantics
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.support.user_error import UserError


@pytest.mark.parametrize("seed", range(15))
def test_every_set_is_legal_for_its_network_and_names_each_sample(seed):
    network = random_network(seed)
    for shown in (*random_sets(network, seed), *nasty_sets(network)):
        frames = as_frames(shown.network, shown.inputs)
        assert frames.dtype == np.uint8
        assert frames.shape[1] == len(shown.names) == len(set(shown.names))


@pytest.mark.parametrize("seed", range(15))
def test_the_cpu_backend_equals_the_reference_on_all_of_them(seed):
    network = random_network(seed)
    for shown in (*random_sets(network, seed), *nasty_sets(network)):
        result = verify(shown.network, shown.inputs, ["reference", "cpu"])
        assert result.is_identical, f"seed {seed}, {shown.name}: {result}"


def test_random_inputs_follow_their_seed():
    network = random_network(3)
    once, again, other = (random_sets(network, seed) for seed in (5, 5, 6))
    for i in range(2):
        np.testing.assert_array_equal(once[i].inputs, again[i].inputs)
        assert (once[i].inputs != other[i].inputs).any()


def test_nasty_inputs_hold_the_ends_of_the_range_and_more_steps_than_the_network_has():
    network = random_network(7)
    images, frames, longer = nasty_sets(network)
    assert set(np.unique(images.inputs)) >= {0, 1, network.input.largest_value}
    assert any(not sample.any() for sample in images.inputs)
    assert any((sample == network.input.largest_value).all() for sample in images.inputs)
    assert longer.network.steps > network.steps
    assert (frames.inputs[1:] != frames.inputs[:-1]).any()


def at_threshold(population, before, arriving):
    """integer_semantics.step of a machine that fires at the threshold, and not only above it; reset to 0."""
    now = _step(population, before, arriving)
    threshold = population.threshold.reshape(-1, *[1] * (len(population.shape) - 1)) << STATE_SHIFT
    is_at = (now.potential == threshold) & (now.spikes == 0) & population.fires
    return replace(now, left=np.where(is_at, 0, now.left), spikes=now.spikes + is_at)


_step = integer_semantics.step


def test_a_machine_that_fires_at_the_threshold_differs_on_nasty_inputs_where_random_ones_miss_it():
    seen, missed = 0, 0
    plain = Features(extremes=False, reset_value=False, soft_reset=False, bias=False, initial_value=False, delays=False)
    for seed in range(12):
        network = random_network(seed, plain)

        def differs(shown, network=network):
            right = reference.run(shown.network, shown.inputs, record=True)
            with mock.patch.object(integer_semantics, "step", at_threshold):
                wrong = reference.run(shown.network, shown.inputs, record=True)
            return first_difference(shown.network, "wrong", right, wrong) is not None

        images = nasty_sets(network)[0]
        if not any("at its threshold" in name for name in images.names):
            continue
        seen += differs(images)
        missed += not any(differs(shown) for shown in random_sets(network, seed))
    assert seen >= 4
    assert missed >= 1


def test_an_input_at_the_threshold_is_said_by_name():
    images = nasty_sets(one_neuron(3, steps=1, threshold=30))[0]
    assert "out [0] at its threshold" in images.names


@pytest.mark.parametrize("kinds", [[], ["data", "data"], ["dat"]])
def test_an_unknown_kind_of_inputs_is_refused_by_name(kinds):
    with pytest.raises(UserError, match="allowed are data, random, nasty, each once"):
        check_inputs(kinds)
