"""A run that trains the equal ReLU network first: what it starts from, what it leaves, and that it can be stopped."""

import json
import shutil
import time
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import tomli_w
import torch
from helpers.killed import killed_before_file
from helpers.killed_training import files_of, kill_at_random, kill_before_each_file

import snn_deploy as sd
from snn_deploy.network.float_network import read_float_network
from snn_deploy.support.user_error import UserError
from snn_deploy.train.ann_first.conversion import read_conversion
from snn_deploy.train.ann_first.relu_training import relu_training
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.evaluation import accuracy
from snn_deploy.train.run.loop import train
from snn_deploy.train.run.run_start import start_run


def _config(**changes):
    table = {
        "seed": 5,
        "steps": 3,
        "data": {"name": "digits"},
        "model": {"layers": "3C3-P2-4C3-P2-10"},
        "training": {"epochs": 2, "batch_size": 40, "samples": 300, "threads": 1, "measured_samples": 60}
        | {"checkpoint_every": 4},
        "ann_first": {"epochs": 2},
        "losses": {"im_loss": {"weight": 0.05}},
        "augmentations": {"crop": {"padding": 1}},  # it draws from the generator within epochs
    }
    for section, keys in changes.items():
        table[section] = table.get(section, {}) | keys if isinstance(keys, dict) and keys else keys  # {}: none
    return resolved_config(table, "test")


def _converted(**changes):
    """The config of a conversion without training, of a network that classifies."""
    training = {"epochs": 0, "samples": 0, "batch_size": 32, "measured_samples": 500}
    model = {"layers": "8C3-P2-16C3-P2-10"}
    ann_first = {"epochs": 6} | changes.pop("ann_first", {})
    return _config(training=training, ann_first=ann_first, model=model, losses={}, augmentations={}, **changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a whole run, and how long it took (the second time, when all is compiled)."""
    folder = tmp_path_factory.mktemp("runs")
    train(_config(), folder / "first")
    start = time.monotonic()
    train(_config(), folder / "second")
    assert files_of(folder / "first") == files_of(folder / "second")
    return folder / "second", time.monotonic() - start


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Return the folder of a conversion without training."""
    folder = tmp_path_factory.mktemp("converted") / "run"
    train(_converted(), folder)
    return folder


def test_a_run_killed_before_any_of_its_files_is_in_place_ends_as_if_it_never_had_been(whole, tmp_path):
    # Of each stage: the first checkpoint and the config; per epoch one checkpoint within, the metrics, one at its end.
    # Between them the conversion; behind them the metrics with the test accuracy, and the network.
    files = 2 * (2 + 2 * 3) + 1 + 2
    kill_before_each_file(_config(), whole[0], range(1, files + 1), tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_at_random_moments_again_and_again_ends_as_if_it_never_had_been(whole, tmp_path, seed):
    kill_at_random(_config(), *whole, seed, tmp_path)


def test_a_conversion_killed_before_any_of_its_files_ends_the_same(tmp_path):
    config = _config(training={"epochs": 0, "keep": "best"}, ann_first={"epochs": 1}, losses={})
    train(config, tmp_path / "once")
    kill_before_each_file(config, tmp_path / "once", range(5, 11), tmp_path)
    before = files_of(tmp_path / "once")
    train(config, tmp_path / "once", resume=True)
    assert files_of(tmp_path / "once") == before


def test_a_run_stopped_in_its_first_stage_goes_on_with_its_folder_alone_and_is_not_written_over(whole, tmp_path):
    for number in (2, 6):  # before its config stands there; in the first stage
        folder = tmp_path / str(number)
        assert killed_before_file(partial(train, _config(), folder), number)
        assert not (folder / "checkpoints").exists()
        with pytest.raises(UserError, match="holds a run that was stopped"):
            sd.train(_config().table(), out=folder)
        for other in (_config(seed=6), _config(ann_first={"epochs": 0})):
            with pytest.raises(UserError, match="cannot be resumed with another config"):
                train(other, folder, resume=True)
        sd.train(out=folder, resume=True)
        assert files_of(folder) == files_of(whole[0])


def test_the_first_stage_trains_a_network_of_its_own_and_the_run_says_what_it_started_from(whole):
    config, (folder, _) = _config(), whole
    stage = start_run(relu_training(config), folder, True, None, Processes())
    lines = [json.loads(line) for line in (folder / "relu" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert accuracy(stage.network, stage.validation, 1) == lines[-1]["validation_accuracy"]
    found = read_conversion(folder / "relu" / "conversion.json")
    assert found.relu_accuracy == lines[-1]["validation_accuracy"]
    assert [c.layer for c in found.layers] == ["conv1", "conv2"]
    assert (found.steps, found.samples, found.split) == (3, 60, "validation")
    assert len(read_float_network(folder / "float_network.npz").provenance["parent_checkpoint_sha256"]) == 64


def test_the_files_of_an_earlier_first_stage_do_not_stay(whole, tmp_path):
    train(_config(), tmp_path / "run")
    train(_config(ann_first={"epochs": 0}), tmp_path / "run")
    assert not (tmp_path / "run" / "relu").exists()
    assert sd.train(_config(ann_first={"epochs": 0}).table(), out=tmp_path / "run", force=True).conversion is None


def test_a_start_from_a_relu_network_is_ahead_of_one_from_random_weights(tmp_path):
    changes = {"training": {"epochs": 1, "samples": 0}, "losses": {}, "augmentations": {}}
    train(_config(**changes, ann_first={"epochs": 4}), tmp_path / "first")
    train(_config(**changes, ann_first={"epochs": 0}), tmp_path / "scratch")
    ours, theirs = (json.loads((tmp_path / n / "metrics.jsonl").read_text()) for n in ("first", "scratch"))
    assert ours["train_accuracy"] > theirs["train_accuracy"] + 0.2


def test_the_error_of_a_conversion_falls_with_the_steps(tmp_path):
    """Without leak; what stays is what a reset to zero throws away."""
    errors, accuracies = [], []
    for steps in (4, 16, 64):
        train(_converted(steps=steps, neuron={"voltage_keep": 1.0}), tmp_path / str(steps))
        found = read_conversion(tmp_path / str(steps) / "relu" / "conversion.json")
        errors.append([c.error for c in found.layers])
        accuracies.append(found.accuracy)
    for few, more in pairwise(errors):
        assert all(b < a for a, b in zip(few, more, strict=True))
    assert max(errors[-1]) < 0.35
    assert accuracies[-1] > found.relu_accuracy - 0.02


def test_matched_rates_keep_a_network_of_leaking_neurons_alive(converted, tmp_path):
    train(_converted(ann_first={"matches_rates": False}), tmp_path / "not")
    matched, unmatched = (read_conversion(f / "relu" / "conversion.json") for f in (converted, tmp_path / "not"))
    assert matched.relu_accuracy == unmatched.relu_accuracy > 0.95
    assert matched.accuracy > 0.85
    assert unmatched.accuracy < 0.6


def test_a_conversion_without_training_is_a_run_like_any_other(converted, tmp_path):
    (line,) = [json.loads(line) for line in (converted / "metrics.jsonl").read_text().splitlines()]
    found = read_conversion(converted / "relu" / "conversion.json")
    assert (line["epoch"], line["epochs"], line["kept_epoch"]) == (0, 0, 0)
    assert line["validation_accuracy"] == found.accuracy
    for layer in found.layers:
        assert line[f"measured/spike_rate/{layer.layer}"] == pytest.approx(layer.spike_rate, abs=1e-4)
    run = shutil.copytree(converted, tmp_path / "run")
    exported = sd.export(run, chip="loihi2")
    exported.save(run / "loihi")
    images = _converted().data.options.load("test").inputs[:50]
    assert sd.verify(exported.network, images[:5], backends=["reference", "cpu"]).is_identical
    classes = sd.run(exported.network, images, backend="cpu").classes
    right = _converted().data.options.load("test").labels[:50]
    assert np.mean(classes == right) > 0.8
    sd.report(run).save(tmp_path / "report.html")
    with pytest.raises(UserError, match="converted without a spiking epoch"):
        sd.plot(converted)


def test_fewer_steps_inherit_from_a_run_that_started_from_a_relu_network(whole, tmp_path):
    child = sd.train(start_from=whole[0], out=tmp_path / "child", changes=["steps=2", "training.epochs=1"])
    assert child.conversion is None
    assert child.network.steps == 2
    assert child.network.provenance["config"]["ann_first"]["epochs"] == 0
    with pytest.raises(UserError, match="a network starts from one other"):
        sd.train(start_from=whole[0], out=tmp_path / "both", ann_first=True)
    with pytest.raises(UserError, match="no checkpoint in it"):
        sd.train(start_from=whole[0] / "relu", out=tmp_path / "relu")  # no spiking network
    assert not (tmp_path / "both").exists()


def test_the_result_has_the_conversion_for_people_and_for_json(tmp_path):
    result = sd.train(_config(ann_first={"epochs": 0}).table(), out=tmp_path / "run", ann_first=True)
    assert result.network.provenance["config"]["ann_first"]["epochs"] == 2  # as many as the spiking network's
    assert "conv2" in str(result)
    assert result.to_dict()["conversion"] == result.conversion.to_dict()
    json.dumps(result.to_dict())


def test_without_validation_samples_and_measured_ones_nothing_is_compared(tmp_path):
    config = _config(data={"validation": 0.0}, training={"epochs": 0, "measured_samples": 0}, losses={})
    train(config, tmp_path / "run")
    found = read_conversion(tmp_path / "run" / "relu" / "conversion.json")
    assert (found.relu_accuracy, found.accuracy, found.layers) == (None, None, ())
    train(_config(data={"validation": 0.0}, training={"epochs": 0}, losses={}), tmp_path / "other")
    assert read_conversion(tmp_path / "other" / "relu" / "conversion.json").split == "training"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "time-based", "losses": {}}, "ann_first with method 'time-based'"),
        ({"coding": "ttfs"}, "ann_first with coding 'ttfs'"),
        ({"quantization": {"epochs": 2}, "losses": {}}, "ann_first with quantization in all 2 epochs"),
        ({"training": {"epochs": 0}, "ann_first": {"epochs": 0}}, "training.epochs 0 trains nothing"),
        ({"training": {"epochs": 0}}, "losses.im_loss with training.epochs 0"),
        ({"ann_first": {"percentile": 0}}, "percentile"),
        ({"ann_first": {"percentil": 99}}, "Did you mean 'percentile'"),
    ],
)
def test_a_config_that_has_no_equal_relu_network_is_one_line(changes, message):
    table = {"losses": {"im_loss": {"weight": 0.05}}, "data": {"name": "digits"}, "model": {"layers": "3C3-10"}}
    table |= {"training": {"epochs": 2}, "ann_first": {"epochs": 2}}
    with pytest.raises(UserError, match=message) as error:
        resolved_config(table | changes, "test")
    assert "\n" not in str(error.value)


def test_a_layer_that_feeds_itself_and_sequences_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="has no equal ReLU network"):
        train(_config(model={"layers": "12R-10"}, augmentations={}), tmp_path / "loop")
    with pytest.raises(UserError, match="ann_first: a ReLU network is shown an image"):
        shapes = {"name": "moving_shapes", "steps": 3}
        table = {"steps": 3, "data": shapes, "model": {"layers": "3C3-P2-4"}, "ann_first": {"epochs": 1}}
        train(resolved_config(table, "test"), tmp_path / "sequences")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("norm", ["tdbn", "weight_standardization", "none"])
def test_a_residual_network_with_every_kind_of_norm_starts_from_its_relu_network(norm, tmp_path):
    changes = {"model": {"name": "resnet20", "width": 8}, "norm": {"name": norm}, "losses": {}, "augmentations": {}}
    table = _config().table() | changes
    table["training"] |= {"epochs": 0, "samples": 80}
    table["ann_first"] |= {"epochs": 1}
    train(resolved_config(table, "test"), tmp_path / "run")
    found = read_conversion(tmp_path / "run" / "relu" / "conversion.json")
    assert len(found.layers) == 19
    assert all(torch.isfinite(torch.tensor([c.scale, c.spike_rate])).all() for c in found.layers)


def test_a_comparison_takes_a_start_from_a_relu_network_as_a_variant(tmp_path):
    config = tmp_path / "small.toml"
    config.write_text(tomli_w.dumps(_config(training={"epochs": 1}, ann_first={"epochs": 0}, losses={}).table()))
    first = ["ann_first.epochs=1"]
    variants = {"scratch": [], "first": first, "converted": [*first, "training.epochs=0"]}
    for _ in range(2):  # the second time it reads what is finished
        found = sd.compare([config], seeds=1, variants=variants, out=tmp_path / "out").outcomes
        for name, (outcome,) in found.items():
            assert outcome.error is None
            assert (outcome.job.folder / "relu").exists() == (name != "scratch")
        assert found["converted"][0].metrics["epoch"] == 0
