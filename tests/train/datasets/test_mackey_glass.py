"""The Mackey-Glass series against a step ten times finer, and the samples cut out of it as NeuroBench splits it."""

import numpy as np
import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.datasets._mackey_glass_equation import BETA, DELAY, EXPONENT, GAMMA, PAST, POINT, integrated
from snn_deploy.train.datasets.mackey_glass import Dataset


def asked(signals):
    """Return the labels that are asked for, in order."""
    return signals.labels[~np.isnan(signals.labels)]


def test_a_step_ten_times_finer_changes_it_by_no_more_than_chaos_makes_of_rounding():
    coarse, fine = integrated(750), integrated(750, finer=10)
    error = np.abs(coarse - fine)
    assert error[:75].max() < 1e-11  # a Lyapunov time
    assert error.max() < 1e-7  # ten: an error grows by e in each


def test_it_begins_with_the_equations_own_solution():
    # Before the delay has passed the past is constant, and the solution is a decay.
    rest = BETA * PAST / (1 + PAST**EXPONENT) / GAMMA
    times = np.arange(0, DELAY, POINT)
    np.testing.assert_allclose(integrated(len(times)), rest + (PAST - rest) * np.exp(-GAMMA * times), rtol=1e-9)


def test_the_test_samples_ask_for_every_value_of_the_second_half_once():
    data = Dataset(window=9, points=20, warm_up=5, instance=3)
    series = data.series()
    assert (len(series.values), series.trained) == (1501, 750)
    np.testing.assert_array_equal(series.values, integrated(112 + 1501)[112:])  # half a Lyapunov time for each instance
    np.testing.assert_array_equal(asked(data.load("test")), series.values[751:])
    training = data.load("train")
    assert set(asked(training)) <= set(series.values[:751])
    assert training.reading.offset == pytest.approx(series.values[:750].mean())


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_label_is_the_value_after_the_window_and_the_next_windows_last(split):
    signals = Dataset(window=9, points=20, warm_up=5).load(split)
    for values, labels, length in zip(signals.values, signals.labels[..., 0], signals.lengths, strict=True):
        there = ~np.isnan(labels)
        assert not there[:5].any() and there[5:length].all() and not there[length:].any()
        np.testing.assert_array_equal(values[-1, 6:length], labels[5 : length - 1])
        np.testing.assert_array_equal(values[:-1, 1:length], values[1:, : length - 1])  # the window moves by one


def test_noise_is_on_what_training_samples_are_shown_and_on_nothing_else():
    plain, noisy = (Dataset(window=9, points=20, warm_up=5, apart=50, noise=share) for share in (0.0, 0.1))
    np.testing.assert_array_equal(noisy.load("test").values, plain.load("test").values)
    training, clean = noisy.load("train"), plain.load("train")
    np.testing.assert_array_equal(training.labels, clean.labels)
    deviation = plain.series().values.std()
    assert (training.values - clean.values).std() == pytest.approx(0.1 * deviation, rel=0.1)


def test_a_sample_that_leaves_nothing_to_ask_for_is_refused():
    with pytest.raises(UserError, match="needs a point behind its warm-up"):
        Dataset(points=8, warm_up=8).load("train")
    with pytest.raises(UserError, match="the training part has 750"):
        Dataset(window=200, points=600).load("test")
