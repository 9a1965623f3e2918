"""A network trained with rounded weights exports to exactly the accuracy that it was trained to."""

import json
from pathlib import Path

from helpers.cli_help import snn_deploy

from snn_deploy.network.float_network import read_float_network


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


def test_a_learned_leak_is_exported_exactly_and_verifies(config, tmp_path):
    run = tmp_path / "run"
    options = ("neuron.learns_voltage_keep=true", "quantization.epochs=1")
    result = snn_deploy("train", config, *[a for option in options for a in ("--set", option)], "--out", run)
    assert result.exit_code == 0, result.stderr
    metrics = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    learned = [metrics["voltage_keep/conv1"], metrics["voltage_keep/conv2"]]
    assert 0.25 not in learned and learned[0] != learned[1]
    populations = read_float_network(run / "float_network.npz").populations
    assert [p.voltage_keep.tolist() for p in populations] == [[learned[0]] * 4, [learned[1]] * 6, [1.0] * 10]
    report = json.loads(snn_deploy("export", run, "--json").stdout)
    assert report["integer_accuracy"] == metrics["test_accuracy"]
    result = snn_deploy("verify", Path(report["files"][0]).parent, "--backends", "reference,cpu", "--samples", 20)
    assert result.exit_code == 0, result.stderr


def test_training_with_rounded_weights_refuses_a_norm_with_a_shift(config, tmp_path):
    options = ("--set", "quantization.epochs=1", "--set", "norm.name=tdbn")
    result = snn_deploy("train", config, *options, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "has a shift" in result.stderr
