"""Two processes with half of each batch compute what one computes with the whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import gradients_of_one_batch
from helpers.cli_help import snn_deploy
from helpers.gradients_of_one_batch import VARIANTS, gradients

from snn_deploy.network.float_network import read_float_network
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.loop import train

pytest.importorskip("accelerate")

CONFIG = """
seed = 1
steps = 2
[data]
name = "digits"
[model]
layers = "4C3-P2-10"
[training]
epochs = 2
batch_size = 40
samples = 310
threads = 1
device = "cpu"
checkpoint_every = 3
[losses.im_loss]
weight = 0.1
"""


def in_two_processes(*command):
    """Return the finished `python COMMAND...` that torchrun starts twice."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run([*torchrun, *command], capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Return a folder with what two processes left: gradients.npz, the run, and what they printed."""
    folder = tmp_path_factory.mktemp("together")
    (folder / "small.toml").write_text(CONFIG)
    command = ["train", folder / "small.toml", "--out", folder / "run", "--json"]
    done = in_two_processes(gradients_of_one_batch.__file__, folder / "gradients.npz", *command)
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    return folder


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_gradients_and_statistics_of_two_processes_are_those_of_one_with_the_whole_batch(together, variant):
    alone = gradients(variant, Processes())
    with np.load(together / "gradients.npz") as file:
        found = {name.replace("|", "/"): file[name] for name in file if name.startswith(f"{variant}|")}
    assert found.keys() == alone.keys()
    for name, expected in alone.items():
        largest = np.abs(expected).max()
        assert largest > 0 or "/weights" not in name, name
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=2e-6 * largest, err_msg=name)


def test_a_run_of_two_processes_leaves_the_files_and_the_network_of_one(together, tmp_path):
    result = snn_deploy("train", together / "small.toml", "--out", tmp_path / "alone")
    assert result.exit_code == 0, result.stderr
    folders = together / "run", tmp_path / "alone"
    names = [sorted(str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()) for f in folders]
    assert names[0] == names[1]
    ours, theirs = (read_float_network(f / "float_network.npz") for f in folders)
    for a, b in zip(ours.connections, theirs.connections, strict=True):
        np.testing.assert_allclose(a.weights, b.weights, rtol=0, atol=1e-3)
    lines = [[json.loads(line) for line in (f / "metrics.jsonl").read_text().splitlines()] for f in folders]
    for a, b in zip(*lines, strict=True):
        assert a.keys() == b.keys()
        assert a["loss/cross_entropy"] == pytest.approx(b["loss/cross_entropy"], rel=1e-3)
        assert a["validation_accuracy"] == pytest.approx(b["validation_accuracy"], abs=0.015)  # two of 144 samples
    assert lines[0][-1]["test_accuracy"] == pytest.approx(lines[1][-1]["test_accuracy"], abs=0.006)


def test_only_the_first_process_prints(together):
    assert json.loads((together / "stdout").read_text())["metrics"]["epoch"] == 2
    assert (together / "stderr").read_text().count("epoch   1/2") == 1


def test_all_processes_end_with_the_first_ones_refusal(together):
    done = in_two_processes("-m", "snn_deploy.cli.main", "train", together / "small.toml", "--out", together / "run")
    assert done.returncode == 1, done.stderr  # torchrun's own
    assert "holds a finished run" in done.stderr
    assert "exitcode  : 2" in done.stderr, done.stderr
    assert "does not know" not in done.stderr, done.stderr


def test_a_batch_that_does_not_divide_is_refused_before_anything_is_written(tmp_path):
    processes = Processes()
    processes.count = 2
    (tmp_path / "small.toml").write_text(CONFIG)
    for samples in (309, 39):  # a last batch of 29; a single one of 39
        config = read_config(tmp_path / "small.toml", [f"training.samples={samples}"])
        with pytest.raises(UserError, match="does not divide between 2 processes"):
            train(config, tmp_path / "run", processes=processes)
    assert not (tmp_path / "run").exists()
    assert processes.share(np.arange(6)) == slice(0, 3)
    with pytest.raises(UserError, match="7 samples does not divide between 2 processes"):
        processes.share(np.arange(7))
