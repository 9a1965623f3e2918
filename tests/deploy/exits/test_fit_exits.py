"""Fitted thresholds: what they lose and save, against the best of all where these can be tried, and coverage."""

import itertools
import math

import numpy as np
import pytest

from snn_deploy.deploy.exits.exit_policy import accuracy_at, at_exits
from snn_deploy.deploy.exits.fit_exits import Calibration, _descent, _exit_steps, fit_exits
from snn_deploy.deploy.exits.sureness import RULES
from snn_deploy.support.user_error import UserError


def samples(count, steps=5, classes=6, seed=0, signal=1.0):
    """Return outputs that grow by the same noisy drift in each step, as a network's do, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    drift = 100 * rng.exponential(signal, count)
    noise = rng.normal(0, 160, (steps, count, classes))
    noise[:, np.arange(count), labels] += drift
    return Calibration(noise.cumsum(0).astype(np.int64), labels)


@pytest.mark.parametrize("rule", RULES)
def test_new_samples_lose_no_more_than_is_allowed_and_stop_early(rule):
    policy = fit_exits(samples(8000), "abc", rule, 0.01)
    new = samples(20_000, seed=1)
    steps = policy.exits(new.outputs)
    last = np.full(len(steps), 5)
    lost = accuracy_at(new.outputs, last, new.labels) - accuracy_at(new.outputs, steps, new.labels)
    changed = (at_exits(new.outputs, steps).argmax(1) != at_exits(new.outputs, last).argmax(1)).mean()
    error = math.sqrt(changed / 20_000) + math.sqrt(changed / 8000)
    assert lost < 0.01 + 2 * error
    assert steps.mean() < 4.5


def test_more_allowed_loss_takes_fewer_steps():
    calibration = samples(4000)
    means = [fit_exits(calibration, "a", "margin", loss).exits(calibration.outputs).mean() for loss in (0.0, 0.02, 0.2)]
    assert means[0] >= means[1] > means[2]


def test_the_descent_finds_the_best_levels_of_all():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        reached, risk = rng.integers(0, 6, (2, 40)), rng.integers(0, 2, (3, 40))
        risk[-1] = 0

        def paid(least, reached=reached, risk=risk):
            steps = _exit_steps(reached, least)
            return risk[steps, np.arange(40)].sum() + 0.15 * steps.sum()

        found = paid(_descent(risk, reached, 0.15))
        best = min(map(paid, itertools.product([None, *range(6)], repeat=2)))
        assert found <= paid([None, None])
        assert found <= best + 1, seed  # a local optimum


def test_nothing_stops_where_it_never_pays():
    """In every step but the last the class is that of another sample."""
    outputs = np.zeros((3, 40, 2), np.int64)
    labels = np.arange(40) % 2
    outputs[:2, np.arange(40), 1 - labels] = 9
    outputs[2, np.arange(40), labels] = 1
    assert fit_exits(Calibration(outputs, labels), "a", "margin", 0.0).least == (None, None)


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_prediction_sets_hold_the_class_as_often_as_they_say(share):
    """On average over calibrations: each time on samples of their own."""
    found = []
    for seed in range(12):
        policy = fit_exits(samples(600, seed=2 * seed), "a", "margin", 0.01, coverage=share)
        new = samples(600, seed=2 * seed + 1)
        steps = policy.exits(new.outputs)
        found.append(policy.sets(at_exits(new.outputs, steps), steps)[np.arange(600), new.labels].mean())
    error = math.sqrt(share * (1 - share) * (1 / 7200 + 1 / 3600))
    assert share - 4 * error < np.mean(found) < share + 4 * error + 1 / 300


def test_sets_that_too_few_samples_calibrated_hold_every_class():
    policy = fit_exits(samples(10), "a", "margin", 0.5, coverage=0.95)
    assert policy.coverage is not None
    assert policy.coverage.widest is None


def test_what_cannot_stop_is_refused():
    with pytest.raises(UserError, match="a single step"):
        samples(4, steps=1)
    with pytest.raises(UserError, match="a single output"):
        samples(4, classes=1)
    with pytest.raises(UserError, match="two or more"):
        fit_exits(samples(1), "a", "margin", 0.5, coverage=0.5)
