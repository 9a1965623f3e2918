"""metrics.jsonl holds what a training writes, or is refused in one line."""

import json

import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.run.layer_statistics import HISTOGRAM_BINS
from snn_deploy.train.run.metrics_lines import kept_line
from snn_deploy.train.run.run_folder import RunFolder

LINE = {
    "epoch": 1,
    "sharpness": 3.0,
    "train_accuracy": 0.5,
    "validation_accuracy": 0.5,
    "loss/cross_entropy": 1.5,
    "measured/spike_rate/conv1": 0.1,
    "measured/membrane_histogram/conv1": [1] * (HISTOGRAM_BINS + 2),
}


def test_what_was_written_is_read_again(tmp_path):
    files = RunFolder(tmp_path)
    files.write_metrics([LINE, {**LINE, "epoch": 2, "test_accuracy": 0.6}])
    assert [line["epoch"] for line in files.read_metrics()] == [1, 2]


def test_the_metrics_of_the_network_that_is_kept_are_those_of_its_epoch_and_of_the_test_samples(tmp_path):
    files = RunFolder(tmp_path)
    best, last = {**LINE, "validation_accuracy": 0.9}, {**LINE, "epoch": 2, "test_accuracy": 0.8, "kept_epoch": 1}
    files.write_metrics([best, last])
    assert kept_line(files.read_metrics()) == {**best, "test_accuracy": 0.8, "kept_epoch": 1}


@pytest.mark.parametrize(
    "text",
    [
        *("3", "null", "[]", "{", "[" * 100_000, json.dumps(LINE)[:-3], '{"epoch": NaN}'),
        *(json.dumps({**LINE, key: wrong}) for key in LINE for wrong in ("x", None, True, [[]], {}, 10**400)),
        *(json.dumps({k: v for k, v in LINE.items() if k != key}) for key in (*list(LINE)[:3], list(LINE)[5])),
        json.dumps({**LINE, "measured/membrane_histogram/conv1": [1, 2]}),
        *(json.dumps({**LINE, "kept_epoch": epoch}) for epoch in (0, 2, 0.5)),
        json.dumps({**LINE, "measured/membrane_histogram/conv1": [-1] * (HISTOGRAM_BINS + 2)}),
        json.dumps({k: v for k, v in LINE.items() if k != "validation_accuracy"}) + "\n" + json.dumps(LINE),
        json.dumps({k: v for k, v in LINE.items() if k[:4] != "loss"}) + "\n" + json.dumps(LINE),
    ],
)
def test_anything_else_is_one_line(tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text + "\n")
    with pytest.raises(UserError, match="not the metrics of a run") as error:
        RunFolder(tmp_path).read_metrics()
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
