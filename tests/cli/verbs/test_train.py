"""train --resume, --from and --steps on the command line."""

import json
import os
import signal
import subprocess
import sys
import time

from helpers.cli_help import snn_deploy

from snn_deploy.network.float_network import read_float_network
from snn_deploy.train.compiled.arithmetic import IN_WORDS


def _files(folder):
    found = (p for p in folder.rglob("*") if p.is_file() and "loihi" not in p.parts)
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def _refused(*arguments):
    result = snn_deploy(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    return line


def _killed_in_the_second_epoch(config, folder):
    command = [sys.executable, "-m", "snn_deploy.cli.main", "train", str(config), "--out", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    while not (folder / "metrics.jsonl").exists() or not (folder / "metrics.jsonl").read_text():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_killed_process_resumes_without_its_config_to_the_same_bytes(config, tmp_path):
    # An exponent that needs every potential takes the plain path: the new process compiles nothing.
    plain = tmp_path / "plain.toml"
    plain.write_text(config.read_text() + "[losses.rmp_loss]\nexponent = 1.5\n")
    folder = tmp_path / "run"
    _killed_in_the_second_epoch(plain, folder)
    assert not (folder / "float_network.npz").exists()
    assert "--resume" in _refused("train", plain, "--out", folder)
    line = _refused("train", plain, "--out", folder, "--resume", "--set", "training.epochs=4")
    assert "epochs was 3 and is 4" in line

    result = snn_deploy("train", "--out", folder, "--resume", "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["metrics"]["epoch"] == 3
    assert snn_deploy("train", plain, "--out", tmp_path / "whole").exit_code == 0
    assert _files(folder) == _files(tmp_path / "whole")


def test_resume_begins_a_run_that_is_not_there_and_ends_one_that_is(config, run, tmp_path):
    for _ in range(2):
        result = snn_deploy("train", config, "--out", tmp_path / "run", "--resume")
        assert result.exit_code == 0, result.stderr
        assert _files(tmp_path / "run") == _files(run)


def test_force_replaces_a_run_that_was_stopped(config, run, tmp_path):
    folder = tmp_path / "run"
    assert snn_deploy("train", config, "--set", "seed=9", "--out", folder).exit_code == 0
    (folder / "float_network.npz").unlink()
    assert snn_deploy("train", config, "--out", folder, "--force").exit_code == 0
    assert _files(folder) == _files(run)


def test_fewer_steps_train_on_from_a_parent_with_its_config(run, tmp_path):
    folder = tmp_path / "short"
    result = snn_deploy("train", "--from", run, "--steps", 2, "--set", "training.epochs=1", "--out", folder, "--json")
    assert result.exit_code == 0, result.stderr
    network, parent = read_float_network(folder / "float_network.npz"), read_float_network(run / "float_network.npz")
    assert (network.steps, parent.steps) == (2, 3)
    assert network.provenance["config"]["model"] == parent.provenance["config"]["model"]
    assert len(network.provenance["parent_checkpoint_sha256"]) == 64
    # One epoch on top of the parent's three is better than one alone.
    found = json.loads(result.stdout)
    assert found["metrics"]["test_accuracy"] > 0.7
    assert found["trained_in"] in {f"{arithmetic}, on cpu" for arithmetic in IN_WORDS.values()}


def test_a_relu_network_is_trained_first_and_a_row_for_each_layer_says_how_far_the_rates_are(config, tmp_path):
    changes = ["--set", "training.samples=200", "--set", "training.epochs=1"]
    result = snn_deploy("train", "--ann-first", config, *changes, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["conversion"]
    assert [layer["layer"] for layer in found["layers"]] == ["conv1", "conv2"]
    lines = result.stderr.splitlines()
    first, second = (
        next(i for i, line in enumerate(lines) if words in line) for words in ("equal ReLU", "starts from")
    )
    assert any(line.startswith("epoch   1/1") and "spike rates" not in line for line in lines[first:second])
    assert any("correlation" in line for line in lines[second:])
    line = _refused("train", "--ann-first", config, "--set", "training.epochs=0", "--out", tmp_path / "other")
    assert "set ann_first.epochs" in line


def test_what_makes_no_sense_is_one_line(config, run, tmp_path):
    assert "no CONFIG" in _refused("train")
    assert "no CONFIG" in _refused("train", "--resume")
    assert "no run in it" in _refused("train", "--resume", "--out", tmp_path / "none")
    assert "choose one" in _refused("train", config, "--resume", "--force")
    assert "no checkpoint in it" in _refused("train", "--from", tmp_path)
    assert "greater than or equal to 1" in _refused("train", config, "--steps", 0, "--out", tmp_path / "a")
    assert "conv2" in _refused(
        "train", config, "--from", run, "--set", "model.layers=4C3-P2-7C3-P2-10", "--out", tmp_path / "a"
    )
    assert list(tmp_path.iterdir()) == []
