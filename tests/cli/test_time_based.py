"""Time-based training as a user calls it: train, export, the same spikes on every backend, or the reason why not."""

import json

import numpy as np
import pytest
import torch
from helpers.cli_help import snn_deploy

from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import read_float_network
from snn_deploy.train.config.read_config import read_config, resolved_config
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.run.run_start import build_network

CONFIG = """
method = "time-based"
steps = 8
[data]
name = "digits"
[model]
layers = "6C3-P2-20"
[neuron]
forgets = "potential"
[training]
epochs = 5
batch_size = 64
threads = 1
[optimizer]
learning_rate = 0.004
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timed") / "run"
    (folder.parent / "timed.toml").write_text(CONFIG)
    done = snn_deploy("train", folder.parent / "timed.toml", "--out", folder)
    assert done.exit_code == 0, done.stderr
    return folder


def test_it_learns_and_its_gradients_by_spike_times_are_in_the_metrics(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["test_accuracy"] > 0.7  # a tenth is chance
    for line in lines:
        assert 0 < line["time_gradient/positive_share"] < 1
        assert line["time_gradient/scale"] >= abs(line["time_gradient/sum"])
    assert snn_deploy("plot", run).exit_code == 0
    assert (run / "plots" / "time_gradients.png").exists()


@pytest.mark.parametrize("thresholds", ["scalar", "per-channel"])
def test_every_spike_of_the_exported_network_is_the_same_on_every_backend(run, tmp_path, thresholds):
    out = tmp_path / thresholds
    done = snn_deploy("export", run, "--thresholds", thresholds, "--out", out, "--samples", 0)
    assert done.exit_code == 0, done.stderr
    shown = snn_deploy("verify", out, "--samples", 20, "--backends", "reference,cpu,onnx", "--json")
    assert shown.exit_code == 0, shown.stderr
    accuracy = json.loads(snn_deploy("run", out, "--json").stdout)["accuracy"]
    trained = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["test_accuracy"]
    assert abs(accuracy - trained) < 0.03


@pytest.mark.parametrize("forgets", ["everything", "potential"])
def test_the_network_as_plain_data_fires_the_spikes_of_the_one_in_training(tmp_path, forgets):
    (tmp_path / "timed.toml").write_text(CONFIG)
    config = read_config(tmp_path / "timed.toml", [f"neuron.forgets={forgets}", "norm.scale=8"])
    samples = config.data.options.load("test").first(30)
    network = build_network(config, samples, torch.Generator().manual_seed(0))
    images = torch.from_numpy(samples.inputs).float() * samples.scale
    with torch.no_grad():
        counts = network(images, config.steps, ForwardOptions(None, 1.0)).output[-1].numpy()
    plain = to_float_network(network, samples, config.steps, {})
    frames = np.broadcast_to(samples.inputs, (config.steps, *samples.inputs.shape)).astype(float)
    spikes = float_semantics.run(plain, frames).spikes[plain.output.name]
    assert counts.sum() > 10
    assert (spikes.sum(axis=0) != counts).mean() < 0.01  # float32 against float64, at a threshold


def test_the_papers_reset_is_refused_with_the_reason(run, tmp_path):
    trained = snn_deploy(
        "train", run.parent / "timed.toml", "--out", tmp_path / "paper", "--set", "neuron.forgets=everything",
        "--set", "training.epochs=1",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    assert read_float_network(tmp_path / "paper" / "float_network.npz").populations[0].clears_current
    refused = snn_deploy("export", tmp_path / "paper")
    assert refused.exit_code == 2
    assert "a spike clears its current" in refused.stderr
    assert "neuron.forgets = 'potential'" in refused.stderr
    assert not (tmp_path / "paper" / "loihi").exists()


def test_a_run_that_was_stopped_goes_on_to_the_same_network(run, tmp_path):
    again = ["train", run.parent / "timed.toml", "--out", tmp_path / "again"]
    assert snn_deploy(*again).exit_code == 0
    assert (tmp_path / "again" / "float_network.npz").read_bytes() == (run / "float_network.npz").read_bytes()


def test_a_run_of_fewer_steps_starts_from_it(run, tmp_path):
    done = snn_deploy("train", "--from", run, "--steps", 4, "--set", "training.epochs=1", "--out", tmp_path / "short")
    assert done.exit_code == 0, done.stderr
    found = read_float_network(tmp_path / "short" / "float_network.npz")
    assert found.steps == 4
    assert "parent_checkpoint_sha256" in found.provenance


@pytest.mark.parametrize(
    "model",
    [
        {"layers": "15C5-P2-40C5-P2-300"},
        {"layers": "32C5-P2-64C5-P2-1024"},
        {"layers": "12C5-P2-64C5-P2"},
        {"name": "vgg11", "width": 4},
    ],
    ids=lambda model: model.get("layers", "vgg11"),
)
def test_the_papers_networks_fire_and_learn_in_every_layer(model):
    size = 32 if "name" in model else 28
    settings = {"method": "time-based", "data": {"name": "digits"}, "model": model, "norm": {"scale": 12.0}}
    config = resolved_config(settings, "test.toml")
    images = torch.rand(4, 1, size, size, generator=torch.Generator().manual_seed(0))
    samples = Samples((255 * images).byte().numpy(), np.arange(4), classes=10)
    network = build_network(config, samples, torch.Generator().manual_seed(0))
    recording = network(images, 4, ForwardOptions(None, 1.0))
    assert all(layer.spike_rate > 0 for layer in recording.layers)
    config.losses[0].options(recording, torch.arange(4)).backward()
    assert all((weights.grad != 0).any() for weights in network.weights.values())
