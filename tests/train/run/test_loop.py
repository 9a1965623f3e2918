"""What a run leaves, and that one that was stopped ends as if it never had been."""

import json
import os
import resource
import time
from functools import partial

import numpy as np
import pytest
import torch
from helpers.killed import killed_before_file
from helpers.killed_training import files_of, kill_at_random, kill_before_each_file

import snn_deploy as sd
from snn_deploy.network.float_network import read_float_network
from snn_deploy.support.one_writer import FolderInUseError
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run import loop
from snn_deploy.train.run import tensorboard_log as log_module
from snn_deploy.train.run.evaluation import accuracy
from snn_deploy.train.run.inheritance import read_parent
from snn_deploy.train.run.layer_statistics import measured_layers
from snn_deploy.train.run.loop import Watcher, best_epoch, train
from snn_deploy.train.run.run_start import build_network, start_run
from snn_deploy.train.run.tensorboard_log import tensorboard_log


def _config(**changes):
    table = {
        "seed": 5,
        "steps": 3,
        "data": {"name": "digits"},
        "model": {"layers": "3C3-P2-4C3-P2-10"},
        "training": {"epochs": 3, "batch_size": 40, "samples": 300, "threads": 1, "measured_samples": 60}
        | {"checkpoint_every": 3},
        "losses": {"im_loss": {"weight": 0.05}},
        "augmentations": {"crop": {"padding": 1}},  # it draws from the generator within epochs
    }
    for section, keys in changes.items():
        table[section] = table.get(section, {}) | keys if isinstance(keys, dict) else keys
    return resolved_config(table, "test")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Return the folder of a whole run, and how long it took (the second time, when all is compiled)."""
    folder = tmp_path_factory.mktemp("runs")
    train(_config(), folder / "first")
    start = time.monotonic()
    train(_config(), folder / "second")
    return folder / "second", time.monotonic() - start


def test_a_run_killed_before_any_of_its_files_is_in_place_ends_as_if_it_never_had_been(uninterrupted, tmp_path):
    # The first checkpoint and config; per epoch two checkpoints within, the metrics, one at its end; the metrics
    # with the test accuracy; the network.
    files = 2 + 3 * (2 + 1 + 1) + 2
    kill_before_each_file(_config(), uninterrupted[0], range(1, files + 1), tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_a_run_killed_at_random_moments_again_and_again_ends_as_if_it_never_had_been(uninterrupted, tmp_path, seed):
    kill_at_random(_config(), *uninterrupted, seed, tmp_path)


def test_resuming_a_finished_run_changes_nothing(uninterrupted):
    before = files_of(uninterrupted[0])
    train(_config(), uninterrupted[0], resume=True)
    assert files_of(uninterrupted[0]) == before


def test_two_trainings_never_write_to_one_folder(tmp_path):
    told = []

    def train_again(metrics):
        before = files_of(tmp_path)
        for resume in (False, True):
            with pytest.raises(FolderInUseError) as error:
                train(_config(), tmp_path, resume=resume)
            told.append(str(error.value))
        with pytest.raises(FolderInUseError):  # and not that it should be gone on with
            sd.train(_config().table(), out=tmp_path)
        assert files_of(tmp_path) == before

    train(_config(training={"epochs": 1}), tmp_path, Watcher(epoch=train_again))
    assert len(told) == 2
    assert f"process {os.getpid()} (since " in told[0]
    assert not (tmp_path / ".writer").exists()


def test_what_the_last_number_of_the_layers_became_is_told(tmp_path):
    lines = []
    train(_config(model={"layers": "3C3-P2-7"}, training={"epochs": 1}), tmp_path / "a", Watcher(noted=lines.append))
    train(_config(training={"epochs": 1}), tmp_path / "b", Watcher(noted=lines.append))
    assert all(line.startswith("network: input 1x8x8") for line in (lines[0], lines[-1]))
    assert [line for line in lines if not line.startswith("network: ")] == [
        "model.layers ends with 7, and the data has 10 classes: 7 is a hidden layer, and 10 outputs follow it."
    ]


def test_checkpoints_within_epochs_do_not_change_the_network(uninterrupted, tmp_path):
    train(_config(training={"checkpoint_every": 0}), tmp_path)
    a, b = (
        read_float_network(tmp_path / "float_network.npz"),
        read_float_network(uninterrupted[0] / "float_network.npz"),
    )
    for ours, theirs in zip(a.connections, b.connections, strict=True):
        assert np.array_equal(ours.weights, theirs.weights)
    assert (tmp_path / "metrics.jsonl").read_bytes() == (uninterrupted[0] / "metrics.jsonl").read_bytes()


def test_another_config_or_parent_cannot_be_resumed(uninterrupted, tmp_path):
    before = files_of(uninterrupted[0])
    with pytest.raises(UserError, match=r"seed was 5 and is 6; training.epochs was 3 and is 9"):
        train(_config(seed=6, training={"epochs": 9}), uninterrupted[0], resume=True)
    with pytest.raises(UserError, match="not what it was started from"):
        train(_config(), uninterrupted[0], resume=True, parent=read_parent(uninterrupted[0]))
    assert files_of(uninterrupted[0]) == before


def test_a_full_disk_stops_with_one_line_and_the_run_can_go_on(uninterrupted, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    expected = files_of(uninterrupted[0])

    def fill_the_disk(epoch, batch, batches, means):
        if (epoch, batch) == (2, 5):
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # the metrics fit no more

    try:
        with pytest.raises(UserError, match="cannot be written"):
            train(_config(), tmp_path, Watcher(batch=fill_the_disk))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_of(tmp_path).keys() == expected.keys() - {"float_network.npz"}
    train(_config(), tmp_path, resume=True)
    assert files_of(tmp_path) == expected


def test_a_loss_that_is_not_finite_stops_with_one_line_and_keeps_the_last_checkpoint(tmp_path):
    saved = {}

    def spoil(epoch, batch, batches, means):
        if (epoch, batch) == (2, 4):
            saved.update(files_of(tmp_path))
            network.weights["conv1-conv2"].data[0] = torch.nan

    network = None

    class Spying(Processes):
        def for_training(self, trained):
            nonlocal network
            network = trained
            return trained

    with pytest.raises(UserError, match="the loss is nan in epoch 2, batch 5") as error:
        train(_config(), tmp_path, Watcher(batch=spoil), processes=Spying())
    assert "\n" not in str(error.value)
    assert files_of(tmp_path) == saved
    assert "checkpoints/last.safetensors" in saved


def test_the_layers_are_measured_as_the_potentials_and_spikes_of_a_plain_pass_say(uninterrupted):
    lines = [json.loads(line) for line in (uninterrupted[0] / "metrics.jsonl").read_text().splitlines()]
    config = _config()
    run = start_run(config, uninterrupted[0], True, None, Processes())
    run.network.eval()
    inputs = torch.from_numpy(run.validation.inputs[:60]).float() * run.validation.scale
    with torch.no_grad():
        layers = run.network(inputs, config.steps, ForwardOptions(config.surrogate.options, 1.0)).layers
    for layer in layers:
        found = {k.split("/")[1]: v for k, v in lines[-1].items() if k.startswith("measured/") and layer.name in k}
        potentials, spikes = layer.potentials.double(), layer.spikes.double()
        assert found["spike_rate"] == pytest.approx(spikes.mean().item())
        assert found["dead_share"] == pytest.approx((spikes.sum((0, 1)) == 0).double().mean().item())
        assert found["saturated_share"] == pytest.approx((spikes.mean((0, 1)) == 1).double().mean().item())
        assert found["membrane_mean"] == pytest.approx(potentials.mean().item())
        assert found["membrane_deviation"] == pytest.approx(potentials.std(correction=0).item())
        assert found["quantization_error"] == pytest.approx((spikes - potentials).square().mean().item())
        histogram = np.array(found["membrane_histogram"])
        assert histogram.sum() == potentials.numel()
        # 80 bins from -4 to 4 thresholds, and one below: those from 1 on are those that fire.
        assert histogram[51:].sum() == spikes.sum().item()


def test_dead_and_saturated_neurons_are_counted():
    config = _config(model={"layers": "6-10"}, norm={"name": "none"})
    samples = config.data.options.load("test").first(30)
    network = build_network(config, samples, torch.Generator().manual_seed(0))
    first = network.weights["input-dense1"]
    first.data[:2], first.data[2] = -1.0, 100.0  # two never fire, one always does
    first.data[3:] = 0.0
    first.data[3:, 20] = 0.6  # a pixel that is dark in some images
    measured = measured_layers(network, samples, 3)
    assert measured["measured/dead_share/dense1"] == pytest.approx(2 / 6)
    assert measured["measured/saturated_share/dense1"] == pytest.approx(1 / 6)


def test_no_layer_is_measured_where_the_config_says_so(tmp_path):
    train(_config(training={"epochs": 1, "measured_samples": 0}), tmp_path)
    assert not any(key.startswith("measured/") for key in json.loads((tmp_path / "metrics.jsonl").read_text()))


def test_fewer_steps_inherit_a_network_that_gives_the_same_spikes_in_the_steps_that_are_left(uninterrupted, tmp_path):
    parent = read_parent(uninterrupted[0])
    config = _config(steps=2)
    child = start_run(config, tmp_path, False, parent, Processes())
    elder = start_run(_config(), uninterrupted[0], True, None, Processes())
    inputs = torch.from_numpy(child.test.inputs).float() * child.test.scale
    options = ForwardOptions(load_plugin("train.surrogates", "rectangle").Surrogate(), 1.0)
    with torch.no_grad():
        ours, theirs = (r.network.eval()(inputs, r.context.config.steps, options) for r in (child, elder))
    for short, long in zip(ours.layers, theirs.layers, strict=True):
        assert torch.equal(short.spikes, long.spikes[:2])
        assert short.spikes.sum() > 0
    assert torch.equal(ours.output, theirs.output[:2])


def test_a_run_with_a_parent_says_so_and_resumes_without_it(uninterrupted, tmp_path):
    config, parent = _config(steps=2), read_parent(uninterrupted[0])
    train(config, tmp_path / "whole", parent=parent)
    provenance = read_float_network(tmp_path / "whole/float_network.npz").provenance
    assert provenance["parent_checkpoint_sha256"] == parent.digest
    for number in (2, 5):  # before the config stands there; in the first epoch
        folder = tmp_path / str(number)
        assert killed_before_file(partial(train, config, folder, parent=parent), number)
        train(config, folder, resume=True)
        assert files_of(folder) == files_of(tmp_path / "whole")


def test_learned_leaks_are_resumed_and_inherited(tmp_path):
    config = _config(neuron={"learns_voltage_keep": True}, training={"epochs": 1}, optimizer={"weight_decay": 1e-4})
    train(config, tmp_path / "whole")
    assert killed_before_file(partial(train, config, tmp_path / "stopped"), 4)
    train(config, tmp_path / "stopped", resume=True)
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")
    elder = start_run(config, tmp_path / "whole", True, None, Processes()).network
    child = start_run(config, tmp_path / "child", False, read_parent(tmp_path / "whole"), Processes()).network
    assert all(logit.item() != pytest.approx(np.log(1 / 3), abs=1e-4) for logit in elder.keep_logits.values())
    assert dict(child.keep_logits.items()) == dict(elder.keep_logits.items())


@pytest.mark.parametrize(
    "changes",
    [
        {"quantization": {"epochs": 1, "weight_bits": 4}},
        {"model": {"layers": "3C3R-P2-12R-10"}, "feedback": {"share": 0.5}},
        {"optimizer": {"name": "adamw", "learning_rate": 0.002, "weight_decay": 0.01}},
    ],
    ids=["rounded weights", "recurrent", "adamw"],
)
def test_a_run_with_other_kernels_or_another_optimizer_is_resumed_to_the_byte(changes, tmp_path):
    config = _config(**changes, training={"epochs": 1})
    train(config, tmp_path / "whole")
    assert killed_before_file(partial(train, config, tmp_path / "stopped"), 4)
    train(config, tmp_path / "stopped", resume=True)
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")


def test_an_unlike_or_unfinished_parent_is_refused_with_what_differs(uninterrupted, tmp_path):
    parent = read_parent(uninterrupted[0])
    for changes, expected in (
        ({"neuron": {"threshold": 0.7}}, "neuron.threshold is 0.7, there 0.5"),
        ({"norm": {"name": "tdbn"}}, "norm.name is 'tdbn', there 'centered_tdbn'"),
        ({"model": {"layers": "3C3-P2-5C3-P2-10"}}, "conv2"),
        ({"model": {"layers": "3C3-P2-4C3-P2-20-10"}}, "dense3"),
    ):
        with pytest.raises(UserError, match=expected):
            train(_config(**changes), tmp_path / "child", parent=parent)
    assert not (tmp_path / "child").exists()
    assert killed_before_file(lambda: train(_config(), tmp_path / "stopped"), 8)
    with pytest.raises(UserError, match="stopped after 1 of 3 epochs"):
        read_parent(tmp_path / "stopped")
    with pytest.raises(UserError, match="no checkpoint in it"):
        read_parent(tmp_path / "nothing")


def test_tensorboard_gets_every_epoch_once_even_when_resumed(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = _config(training={"epochs": 2, "tensorboard": True})
    assert killed_before_file(lambda: train(config, tmp_path), 8)
    train(config, tmp_path, resume=True)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    found = [(e.step, e.value) for e in events.Scalars("validation_accuracy")]
    assert found == [(line["epoch"], pytest.approx(line["validation_accuracy"])) for line in lines]
    assert [(e.step, e.value) for e in events.Scalars("test_accuracy")] == [
        (2, pytest.approx(lines[-1]["test_accuracy"]))
    ]


def test_a_missing_tensorboard_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"snn-deploy\[tensorboard\]"):
        train(_config(training={"tensorboard": True}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_device_that_is_not_there_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="cuda"):
        train(_config(training={"device": "cuda"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# tensorboard's own thread fails, and hands its error to the next call.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk_under_tensorboard_is_a_user_error_and_the_last_checkpoint_stays(tmp_path):
    pytest.importorskip("tensorboard")  # the test group installs it
    log = tensorboard_log(tmp_path / "tensorboard")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))  # no file can be larger: the write fails midway
    try:
        with pytest.raises(UserError, match=r"tensorboard: cannot be written .*--resume"):
            for epoch in range(1, 20):
                log({"epoch": epoch, "epochs": 20, "loss/cross_entropy": 0.5})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("norm_samples", [0, 2000])
def test_a_short_training_is_no_dead_network(tmp_path, norm_samples):
    training = {"epochs": 2, "samples": 0, "batch_size": 128, "norm_samples": norm_samples}
    train(_config(training=training, model={"layers": "12C3-P2-24C3-P2-10"}, augmentations={}), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["train_accuracy"] > 0.4
    assert lines[-1]["validation_accuracy"] > lines[-1]["train_accuracy"] - 0.05
    assert lines[-1]["test_accuracy"] > lines[-1]["train_accuracy"] - 0.05


def test_the_best_epoch_is_kept_with_its_network_and_a_killed_run_keeps_the_same(tmp_path):
    unsteady = {"learning_rate": 1.0, "schedule": "constant"}
    config = _config(seed=1, training={"keep": "best", "epochs": 4}, optimizer=unsteady, losses={})
    train(config, tmp_path / "whole")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    kept = lines[-1]["kept_epoch"]
    accuracies = [line["validation_accuracy"] for line in lines]
    assert accuracies[kept - 1] == max(accuracies)
    assert kept < 4  # else the test shows nothing
    run = start_run(config, tmp_path / "whole", True, None, Processes())
    assert accuracy(run.network, run.validation, config.steps) == max(accuracies)
    assert accuracy(run.network, run.test, config.steps) == lines[-1]["test_accuracy"]
    network = read_float_network(tmp_path / "whole" / "float_network.npz")
    assert network.provenance["validation_accuracy"] == max(accuracies)
    train(config, tmp_path / "whole", resume=True)
    for number in (7, 12, 20, 21, 22):
        assert killed_before_file(lambda: train(config, tmp_path / "killed"), number)
        train(config, tmp_path / "killed", resume=True)
        assert files_of(tmp_path / "killed") == files_of(tmp_path / "whole"), number


def test_the_file_of_the_best_epoch_is_not_read_where_that_is_the_last(tmp_path, monkeypatch):
    def reads(path, network):
        raise AssertionError(f"{path} may be half written: by the first of several processes")

    monkeypatch.setattr(loop, "read_network_state", reads)
    monkeypatch.setattr(loop, "best_epoch", lambda config, metrics: metrics[-1]["epoch"])
    train(_config(training={"keep": "best", "epochs": 2}), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["kept_epoch"] for line in lines if "kept_epoch" in line] == [2]


def test_only_epochs_that_round_weights_are_kept_where_some_do():
    config = _config(training={"keep": "best"}, quantization={"epochs": 2})
    metrics = [{"epoch": e, "validation_accuracy": a} for e, a in ((1, 0.9), (2, 0.6), (3, 0.5))]
    assert best_epoch(config, metrics) == 2
    assert best_epoch(_config(), metrics) == 1
    assert best_epoch(_config(), [*metrics, {"epoch": 4, "validation_accuracy": 0.9}]) == 4


def test_without_validation_samples_layers_are_measured_on_training_samples_and_no_epoch_is_best(tmp_path):
    train(_config(data={"validation": 0.0}, training={"epochs": 1}), tmp_path / "run")
    (line,) = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert "validation_accuracy" not in line
    assert {"test_accuracy", "measured/spike_rate/conv1"} <= line.keys()
    with pytest.raises(UserError, match=r"training\.keep = 'best': there are no validation samples"):
        train(_config(data={"validation": 0.0}, training={"keep": "best"}), tmp_path / "best")
    assert not (tmp_path / "best").exists()


def test_a_layer_that_never_fired_is_said(tmp_path):
    noted = []
    config = _config(norm={"name": "none"}, neuron={"threshold": 50.0}, losses={}, training={"epochs": 1})
    train(config, tmp_path / "run", Watcher(noted=noted.append))
    assert [line for line in noted if line.startswith("warning: layer conv1 never fired on the validation samples")]
