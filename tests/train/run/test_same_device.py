"""A run goes on with the device that it began with, unless another is asked for."""

import pytest
import torch

from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run import run_start
from snn_deploy.train.run.checkpoint import Origin, read_origin
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import config_of_run
from snn_deploy.train.run.same_device import same_device


def _config(**training):
    table = {
        "data": {"name": "digits"},
        "model": {"layers": "4C3-P2-10"},
        "training": {"epochs": 2, "samples": 96, "batch_size": 32, "threads": 1, "measured_samples": 0, **training},
    }
    return resolved_config(table, "test")


class _WithGpu(Processes):
    def device(self, wanted):
        return torch.device("cuda" if wanted == "auto" else wanted)


@pytest.mark.parametrize(
    ("processes", "wanted", "began", "goes_on"),
    [
        (Processes(), "auto", "cpu", "cpu"),
        (_WithGpu(), "auto", "cuda", "cuda"),
        (_WithGpu(), "auto", "cpu", "cpu"),  # a GPU that came later is not used
        (_WithGpu(), "cuda", "cpu", "cuda"),
        (Processes(), "cpu", "cuda", "cpu"),
    ],
)
def test_the_device_of_the_start_is_kept_unless_another_is_named(
    monkeypatch, tmp_path, processes, wanted, began, goes_on
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    origin = Origin({}, 1, device=began)
    assert same_device(_config(device=wanted), origin, processes, tmp_path).type == goes_on


def test_a_run_of_a_gpu_asks_for_one_and_goes_on_on_the_cpu_when_told_to(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arithmetic = run_start._arithmetic
    monkeypatch.setattr(run_start, "_arithmetic", lambda *arguments: ("float32", "cuda"))

    def stop(metrics):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(_config(synapses="float32"), tmp_path, Watcher(epoch=stop))
    monkeypatch.setattr(run_start, "_arithmetic", arithmetic)
    files = RunFolder(tmp_path)
    assert read_origin(files.checkpoint)[0].device == "cuda"
    before = files.checkpoint.read_bytes()
    with pytest.raises(UserError, match=r"trained on a GPU so far.*finds none here.*--set training.device=cpu"):
        train(config_of_run(tmp_path), tmp_path, resume=True)
    assert files.checkpoint.read_bytes() == before
    with pytest.raises(UserError, match=r"optimizer.momentum was 0.9 and is 0.5"):  # the device alone may change
        assignments = ["training.device=cpu", "optimizer.momentum=0.5"]
        train(config_of_run(tmp_path, assignments), tmp_path, resume=True)
    train(config_of_run(tmp_path, ["training.device=cpu"]), tmp_path, resume=True)
    origin, progress = read_origin(files.checkpoint)
    assert origin.device == "cpu" and progress.epoch == 2
    assert origin.config["training"]["device"] == "cpu"
    train(config_of_run(tmp_path), tmp_path, resume=True)  # nothing is asked any more


def test_a_checkpoint_of_an_unknown_device_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(run_start, "_arithmetic", lambda *arguments: ("float32", "tpu"))
    train(_config(epochs=1), tmp_path)
    with pytest.raises(UserError, match=r"device 'tpu', none of cpu, cuda"):
        read_origin(RunFolder(tmp_path).checkpoint)
