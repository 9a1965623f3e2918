"""The score of a run: accuracy or sMAPE, which of two is better, and the epoch that is kept by it."""

import pytest

from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.run.loop import best_epoch
from snn_deploy.train.run.score import ACCURACY, SMAPE, score_of

CONFIG = {"data": {"name": "mackey_glass"}, "model": {"layers": "8"}, "training": {"epochs": 3}}


def test_a_line_of_metrics_says_which_score_it_has():
    assert score_of({"epoch": 1, "train_accuracy": 0.5}) is ACCURACY
    assert score_of({"epoch": 1, "train_smape": 12.5, "test_mse": 0.1}) is SMAPE
    assert ACCURACY.shown(0.9784) == "97.84 %"
    assert SMAPE.shown(1.534) == "sMAPE 1.53"
    assert SMAPE.of({"validation_smape": 3}, "validation") == 3.0
    assert SMAPE.of({"validation_smape": 3}, "test") is None


@pytest.mark.parametrize(("key", "values", "kept"), [("smape", [3.0, 1.5, 2.0], 2), ("accuracy", [0.3, 0.15, 0.2], 1)])
def test_the_epoch_that_is_kept_has_the_lowest_smape_or_the_highest_accuracy(key, values, kept):
    lines = [{"epoch": i, f"validation_{key}": value} for i, value in enumerate(values, 1)]
    assert best_epoch(resolved_config(CONFIG, "test.toml"), lines) == kept
