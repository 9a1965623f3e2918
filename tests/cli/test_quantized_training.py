"""A network trained with rounded weights exports to exactly the accuracy that it was trained to."""

import json

from helpers.cli_help import snn_deploy


def test_the_exported_accuracy_is_the_trained_one_at_the_trained_bits(config, tmp_path):
    run = tmp_path / "run"
    options = ("quantization.epochs=1", "quantization.weight_bits=4", "quantization.per_channel=true")
    arguments = [a for option in options for a in ("--set", option)]
    result = snn_deploy("train", config, *arguments, "--out", run)
    assert result.exit_code == 0, result.stderr
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert ["float_test_accuracy" in line for line in metrics] == [False, False, True]
    result = snn_deploy("export", run, "--json")
    report = json.loads(result.stdout)
    assert report["weight_bits"] == 4
    assert report["integer_accuracy"] == metrics[-1]["test_accuracy"]
    assert "as trained" in result.stderr


def test_training_with_rounded_weights_refuses_a_norm_with_a_shift(config, tmp_path):
    options = ("--set", "quantization.epochs=1", "--set", "norm.name=tdbn")
    result = snn_deploy("train", config, *options, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "has a shift" in result.stderr
