"""snn-deploy verify: what is shown, what is printed, what --json holds."""

import json

import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.unsure_cpu import make_cpu_unsure

import snn_deploy as sd
from snn_deploy.deploy.backends import cpu, lava
from snn_deploy.network.integer_network import read_integer_network

KINDS = ["data", "random images", "random frames", "nasty images", "nasty frames", "nasty images, 7 steps"]


def test_all_inputs_are_shown_to_every_backend(exported):
    result = snn_deploy(
        "verify", exported, "--backends", "reference,cpu", "--samples", 4, "--inputs", "data,random,nasty", "--json"
    )
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["identical"]
    assert [shown["name"] for shown in report["inputs"]] == KINDS
    assert [shown["steps"] for shown in report["inputs"]] == [3, 3, 3, 3, 3, 7]
    assert report["samples"] == sum(shown["samples"] for shown in report["inputs"])
    assert report["spikes"] == sum(shown["spikes"] for shown in report["inputs"]) > 0


def test_the_exported_onnx_model_takes_what_it_can_and_others_are_made_for_the_rest(run, tmp_path):
    pytest.importorskip("onnxruntime")
    assert snn_deploy("export", run, "--target", "onnx", "--out", tmp_path, "--samples", 10).exit_code == 0
    result = snn_deploy("verify", tmp_path, "--backends", "reference,onnx", "--samples", 2, "--inputs", "random,nasty")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.stdout.count("identical: ") == 5


def test_layers_are_judged_one_by_one_and_the_network_can_be_cut(exported):
    names = [p.name for p in read_integer_network(exported / "network.npz").populations]
    options = ("--backends", "reference,cpu", "--samples", 4, "--inputs", "data,nasty", "--json")
    whole, alone, first = (
        json.loads(snn_deploy("verify", exported, *options, *more).stdout)
        for more in ([], ["--per-layer"], ["--layers", 1])
    )
    assert whole["identical"] and alone["identical"] and first["identical"]
    assert alone["spikes"] == whole["spikes"] > first["spikes"] > 0
    assert len(names) > 1
    assert set(alone["inputs"][0]["seconds"]) == {"reference", "cpu"}


def test_with_per_layer_a_difference_is_named_for_its_layer_only(exported, monkeypatch):
    right = cpu.run

    def wrong(network, inputs, **options):
        simulation = right(network, inputs, **options)
        if "conv1" in simulation.spikes and network.input.name != "conv1":
            simulation.spikes["conv1"][-1] ^= 1
        return simulation

    monkeypatch.setattr(cpu, "run", wrong)
    result = snn_deploy("verify", exported, "--backends", "reference,cpu", "--samples", 2, "--per-layer", "--json")
    assert result.exit_code == 1
    assert [d["population"] for d in json.loads(result.stdout)["differences"]] == ["conv1"]


def test_a_long_run_is_announced(exported, monkeypatch):
    monkeypatch.setattr(cpu, "expected_seconds", lambda network, samples: 60.0 * samples, raising=False)
    result = snn_deploy("verify", exported, "--backends", "reference,cpu", "--samples", 4)
    assert "cpu: 4 samples will take about 4 minutes" in result.stdout
    assert "samples a second: reference " in result.stdout


@pytest.mark.parametrize("reason", [None, "Lava is not installed. Install it."])
def test_auto_is_lava_or_else_cpu_and_says_so(exported, monkeypatch, reason):
    monkeypatch.setattr(lava, "why_unavailable", lambda: reason)
    monkeypatch.setattr(lava, "run", cpu.run)
    result = snn_deploy("run", exported, "--backend", "auto", "--samples", 2)
    assert result.exit_code == 0, result.stderr
    said, shown = result.stdout.splitlines()[:2]
    assert said == (f"auto: it runs on cpu. {reason}" if reason else "auto: Lava is installed, so it runs on lava.")
    assert shown.startswith("cpu: " if reason else "lava: ")


def test_more_layers_than_there_are_is_one_line(exported):
    result = snn_deploy("verify", exported, "--backends", "reference,cpu", "--samples", 2, "--layers", 99)
    assert result.exit_code == 2
    assert "layers 99; the network has 3" in result.stderr


def test_a_difference_on_nasty_inputs_alone_fails_and_names_the_sample(exported, monkeypatch):
    right, steps = cpu.run, read_integer_network(exported / "network.npz").steps

    def wrong(network, inputs, **options):  # forgets everything after the steps it was exported with
        simulation = right(network, inputs, **options)
        for name in ("conv1", "conv2"):
            simulation.spikes[name][steps:] = 0
        return simulation

    monkeypatch.setattr(cpu, "run", wrong)
    data = ("verify", exported, "--backends", "reference,cpu", "--samples", 4)
    assert snn_deploy(*data).exit_code == 0
    result = snn_deploy(*data, "--inputs", "data,nasty", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert [shown["identical"] for shown in report["inputs"]] == [True, True, True, False]
    (difference,) = report["differences"]
    assert difference["inputs"] == "nasty images, 7 steps"
    assert difference["step"] >= steps
    assert difference["sample_name"].startswith("all ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--inputs", "data,nice"], "inputs data,nice; allowed are data, random, nasty"),
        (["--inputs", "random", "--seed", "-1"], "--seed -1"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(exported, options, message):
    result = snn_deploy("verify", exported, "--backends", "reference,cpu", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_random_inputs_follow_the_seed(exported):
    def spikes(seed):
        options = ("--backends", "reference,cpu", "--inputs", "random", "--seed", seed, "--json")
        return json.loads(snn_deploy("verify", exported, *options).stdout)["spikes"]

    assert spikes(1) == spikes(1)
    assert len(np.unique([spikes(seed) for seed in range(3)])) > 1


def test_with_exits_samples_also_stop_early_on_every_backend(exported, tmp_path):
    fitted = snn_deploy(
        "exits", exported, "--allowed-loss", 3, "--samples", 80, "--test-samples", 9, "--out", tmp_path / "e.json"
    )
    assert fitted.exit_code == 0, fitted.stderr
    options = ("--backends", "reference,cpu", "--samples", 9, "--inputs", "data,nasty", "--exits", tmp_path / "e.json")
    result = snn_deploy("verify", exported, *options, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    of_data = report["inputs"][0]["exits"]
    ran = json.loads(snn_deploy("run", exported, "--exits", tmp_path / "e.json", "--samples", 9, "--json").stdout)
    assert of_data["steps"] == ran["exit_steps"]
    assert min(of_data["steps"]) < 3
    # No exits are for inputs with more steps than the network has.
    assert ["exits" in shown for shown in report["inputs"]] == [True, True, True, False]
    assert "identical up to the exits: 9 samples, " in result.stderr


def test_an_exit_that_differs_is_a_failed_check(exported, tmp_path, monkeypatch):
    fitted = snn_deploy(
        "exits", exported, "--allowed-loss", 3, "--samples", 80, "--test-samples", 9, "--out", tmp_path / "e.json"
    )
    assert fitted.exit_code == 0, fitted.stderr
    make_cpu_unsure(monkeypatch, 3)
    options = ("--backends", "reference,cpu", "--samples", 9, "--exits", tmp_path / "e.json", "--json")
    result = snn_deploy("verify", exported, *options)
    assert result.exit_code == 1
    (difference,) = json.loads(result.stdout)["differences"]
    assert (difference["kind"], difference["backend"], difference["inputs"]) == ("exit", "cpu", "data")
    assert difference["sample_name"] == f"test sample {difference['sample']}"


@pytest.mark.parametrize("option", [["--layers", 1], ["--per-layer"]])
def test_exits_are_of_the_whole_network(exported, tmp_path, option):
    sd.exits(exported, samples=40, test_samples=4).save(tmp_path / "e.json")
    result = snn_deploy("verify", exported, "--exits", tmp_path / "e.json", *option)
    assert result.exit_code == 2
    assert "--exits goes without --layers and --per-layer" in result.stderr.replace("\n", " ")
