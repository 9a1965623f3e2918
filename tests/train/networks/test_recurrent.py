"""A layer that feeds itself: its recurrence and gradient, and the same spikes after the export."""

import json

import numpy as np
import pytest
import torch
from helpers.cli_help import snn_deploy

from snn_deploy.network import float_semantics
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.run.loop import train
from snn_deploy.train.run.run_start import build_network

CONFIG = """
steps = 6
[data]
name = "moving_shapes"
steps = 6
samples = 320
size = 12
[model]
layers = "P2-40R-8"
[neuron]
voltage_keep = 0.75
[training]
epochs = 4
batch_size = 32
threads = 1
"""


def built(**sections):
    table = {"steps": 6, "data": {"name": "digits"}, "model": {"layers": "4C3-P2-12R-10"}, **sections}
    config = resolved_config(table, "test.toml")
    samples = config.data.options.load("test").first(12)
    return config, samples, build_network(config, samples, torch.Generator().manual_seed(0))


EASY = {"norm": {"name": "none"}, "neuron": {"threshold": 0.1, "voltage_keep": 0.5}}  # fires without training


def test_it_is_the_recurrence_of_the_float_network():
    _, samples, network = built(**EASY)
    with torch.no_grad():
        surrogate = load_plugin("train.surrogates", "rectangle")
        network.eval()
        images = torch.from_numpy(samples.inputs).float() * samples.scale
        recording = network(images, 6, ForwardOptions(surrogate.Surrogate(), 1.0))
    plain = to_float_network(network, samples, 6, {})
    assert {c.name: c.delay for c in plain.connections}["dense2-dense2"] == 1
    frames = np.broadcast_to(samples.inputs, (6, *samples.inputs.shape)).astype(float)
    trace = float_semantics.run(plain, frames)
    for layer in recording.layers:
        assert 0 < layer.spikes.mean() < 1
        assert (layer.spikes.numpy() != trace.spikes[layer.name]).mean() < 0.002  # float32 at a threshold


def test_its_gradients_are_those_of_a_plain_loop():
    _, samples, network = built(model={"layers": "12R-10"}, **EASY)
    surrogate = load_plugin("train.surrogates", "rectangle").Surrogate()
    images = torch.from_numpy(samples.inputs).float() * samples.scale
    by_output = torch.randn(12, 10, generator=torch.Generator().manual_seed(1))
    network(images, 6, ForwardOptions(surrogate, 1.0)).logits.mul(by_output).sum().backward()
    parameters = {name: w.detach().clone().requires_grad_() for name, w in network.weights.items()}
    left, sent, total = torch.zeros(12, 12), torch.zeros(12, 12), torch.zeros(12, 10)
    for _ in range(6):
        u = images.flatten(1) @ parameters["input-dense1"].T + sent @ parameters["dense1-dense1"].T + left
        slope = surrogate.gradient(u.detach(), 0.1, 1.0)
        sent = (u >= 0.1).float() + slope * (u - u.detach())
        left = 0.5 * u * (1 - sent)
        total = total + sent @ parameters["dense1-output"].T
    (total * by_output).sum().backward()
    for name, weights in parameters.items():
        torch.testing.assert_close(network.weights[name].grad, weights.grad, rtol=1e-4, atol=1e-5)
    assert (parameters["dense1-dense1"].grad != 0).any()


def test_the_compiled_path_has_its_spikes_and_gradients():
    found = []
    for is_compiled in (True, False):
        _, samples, network = built(model={"layers": "4C3-P2-12R-9R-10"}, **EASY)
        surrogate = load_plugin("train.surrogates", "dspike")
        images = torch.from_numpy(samples.inputs).float() * samples.scale
        options = ForwardOptions(surrogate.Surrogate(), 3.0, surrogate.slope if is_compiled else None)
        recording = network(images, 6, options)
        torch.nn.functional.cross_entropy(recording.logits, torch.arange(12) % 10).backward()
        found.append((recording, {name: w.grad for name, w in network.weights.items()}))
    (compiled, gradients), (plain, expected) = found
    assert [layer.spikes is None for layer in compiled.layers] == [True] * 3
    assert torch.equal(compiled.logits, plain.logits)
    for layer, other in zip(compiled.layers, plain.layers, strict=True):
        assert layer.neurons == other.neurons and 0 < other.spike_rate < 1
        torch.testing.assert_close(layer.spike_rate, other.spike_rate, rtol=1e-6, atol=0)
        torch.testing.assert_close(layer.mean_squared_error, other.mean_squared_error, rtol=1e-5, atol=0)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-5 * expected[name].abs().max())
    assert (gradients["dense2-dense2"] != 0).any()


@pytest.mark.parametrize("sections", [{"quantization": {"epochs": 1}}, {"neuron": {"learns_voltage_keep": True}}])
def test_what_it_does_not_train_with_is_refused(sections, tmp_path):
    config = resolved_config({"data": {"name": "digits"}, "model": {"layers": "12R-10"}, **sections}, "test.toml")
    with pytest.raises(UserError, match="a layer that feeds itself"):
        train(config, tmp_path / "run")


TIMED = CONFIG.replace("voltage_keep = 0.75", 'forgets = "potential"')


@pytest.mark.parametrize("config", [CONFIG, 'method = "time-based"\n' + TIMED], ids=["lif", "current-based"])
def test_it_trains_exports_and_verifies(config, tmp_path):
    (tmp_path / "loop.toml").write_text(config)
    done = snn_deploy("train", tmp_path / "loop.toml", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["test_accuracy"] > 0.4
    assert snn_deploy("export", tmp_path / "run").exit_code == 0
    verified = snn_deploy("verify", tmp_path / "run" / "loihi", "--samples", 10, "--backends", "reference,cpu,onnx")
    assert verified.exit_code == 0, verified.stderr
    assert snn_deploy("map", tmp_path / "run" / "loihi").exit_code == 0
