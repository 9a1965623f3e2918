"""Exits of a deployment: fitted on samples, measured on them, and the few that stand for all."""

import numpy as np
import pytest

import snn_deploy as sd
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.search.stopping import alike, fitted, stopped
from snn_deploy.train.data.splits import validation_samples
from snn_deploy.train.datasets.digits import Dataset


def test_a_few_samples_stop_as_all_do():
    rng = np.random.default_rng(0)
    steps = rng.choice([1, 2, 6], 1000, p=[0.7, 0.2, 0.1])
    for count in (10, 50, 1000):
        chosen = alike(steps, count)
        assert len(set(chosen)) == count
        assert steps[chosen].mean() == pytest.approx(steps.mean(), abs=5 / count)
    assert alike(np.array([3, 1, 2, 1]), 2).tolist() == [3, 0]  # of 1, 1, 2, 3 the second and the fourth


def test_exits_are_those_of_the_verb_and_what_is_measured_is_that_of_run(exported):
    network = read_integer_network(exported / "network.npz")
    samples = validation_samples(Dataset(), 0.1, "test")
    policy = fitted(network, samples, 0.02)
    assert policy == sd.exits(exported, samples.shown, labels=samples.labels, allowed_loss=0.02).policy
    found = stopped(network, samples, policy)
    ran = sd.run(network, samples.shown, labels=samples.labels, exits=policy)
    assert found.accuracy == ran.accuracy
    assert found.operations == pytest.approx(sum(ran.operations.values()))
    np.testing.assert_array_equal(found.steps, ran.exit_steps)
