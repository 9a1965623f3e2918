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


@pytest.mark.parametrize("neuron", ["lif", "adaptive_lif"])
@pytest.mark.parametrize(
    ("layers", "loop"), [("4C3-P2-12R-10", "dense2-dense2"), ("4C3S2R-6C1x3R-P2-10", "conv2-conv2")]
)
def test_it_is_the_recurrence_of_the_float_network(layers, loop, neuron):
    changes = EASY | {"neuron": EASY["neuron"] | {"name": neuron}}
    _, samples, network = built(model={"layers": layers}, **changes)
    with torch.no_grad():
        surrogate = load_plugin("train.surrogates", "rectangle")
        network.eval()
        images = torch.from_numpy(samples.inputs).float() * samples.scale
        recording = network(images, 6, ForwardOptions(surrogate.Surrogate(), 1.0))
    plain = to_float_network(network, samples, 6, {})
    assert {c.name: c.delay for c in plain.connections}[loop] == 1
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


@pytest.mark.parametrize("given", [1, 6], ids=["one frame", "frames"])
def test_the_compiled_path_has_its_spikes_and_gradients(given):
    found = []
    for is_compiled in (True, False):
        _, samples, network = built(model={"layers": "4C3R-P2-5C1x3R-12R-9R-10"}, **EASY)
        surrogate = load_plugin("train.surrogates", "dspike")
        images = torch.from_numpy(samples.inputs).float() * samples.scale
        if given > 1:
            images = images * torch.rand(given, 1, 1, 1, 1, generator=torch.Generator().manual_seed(1))
        options = ForwardOptions(surrogate.Surrogate(), 3.0, surrogate.slope if is_compiled else None)
        recording = network(images, 6, options)
        torch.nn.functional.cross_entropy(recording.logits, torch.arange(12) % 10).backward()
        found.append((recording, {name: w.grad for name, w in network.weights.items()}))
    (compiled, gradients), (plain, expected) = found
    assert [layer.spikes is None for layer in compiled.layers] == [True] * 4
    assert torch.equal(compiled.logits, plain.logits)
    for layer, other in zip(compiled.layers, plain.layers, strict=True):
        assert layer.neurons == other.neurons and 0 < other.spike_rate < 1
        torch.testing.assert_close(layer.spike_rate, other.spike_rate, rtol=1e-6, atol=0)
        torch.testing.assert_close(layer.mean_squared_error, other.mean_squared_error, rtol=1e-5, atol=0)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-5 * expected[name].abs().max())
    loops = [gradient for name, gradient in gradients.items() if len(set(name.split("-"))) == 1]
    assert len(loops) == 4 and all((gradient != 0).any() for gradient in loops)


SCALED = {"model": {"layers": "4C3R-P2-12R-10"}, "feedback": {"share": 0.5}, **EASY}


def test_a_batch_is_scaled_by_what_the_batches_before_it_brought():
    found = []
    for is_compiled in (True, False):
        _, samples, network = built(**SCALED)
        dspike = load_plugin("train.surrogates", "dspike")
        options = ForwardOptions(dspike.Surrogate(), 3.0, dspike.slope if is_compiled else None)
        images = torch.from_numpy(samples.inputs).float() * samples.scale
        optimizer = torch.optim.SGD(network.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            recording = network(images, 6, options)
            torch.nn.functional.cross_entropy(recording.logits, torch.arange(12) % 10).backward()
            optimizer.step()
        found.append(
            (recording.logits, {n: p.grad for n, p in network.named_parameters()}, dict(network.named_buffers()))
        )
    (logits, gradients, buffers), (expected, plain_gradients, plain_buffers) = found
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    for name, gradient in gradients.items():
        tolerance = 1e-4 * plain_gradients[name].abs().max()
        torch.testing.assert_close(gradient, plain_gradients[name], rtol=1e-3, atol=tolerance)
    for name, buffer in buffers.items():
        torch.testing.assert_close(buffer, plain_buffers[name], rtol=1e-5, atol=1e-7)
    gains = [gradient for name, gradient in gradients.items() if name.endswith("gain") and "conv1-conv1" in name]
    assert len(gains) == 1 and (gains[0] != 0).any()
    assert buffers["norms.conv1-conv1.batches"] == 3
    assert 0 < buffers["norms.conv1-conv1.mean_square_per_weight"].mean() != 0.1


def test_inference_leaves_the_scale_as_it_is():
    _, samples, network = built(**SCALED)
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    network.eval()
    network(
        torch.from_numpy(samples.inputs).float(),
        6,
        ForwardOptions(load_plugin("train.surrogates", "dspike").Surrogate(), 3.0),
    )
    assert all(torch.equal(before[name], buffer) for name, buffer in network.named_buffers())


@pytest.mark.parametrize("layers", ["12R-10", "4C3R-10"])
@pytest.mark.parametrize("sections", [{"quantization": {"epochs": 1}}, {"neuron": {"learns_voltage_keep": True}}])
def test_what_it_does_not_train_with_is_refused(layers, sections, tmp_path):
    config = resolved_config({"data": {"name": "digits"}, "model": {"layers": layers}, **sections}, "test.toml")
    with pytest.raises(UserError, match="a layer that feeds itself"):
        train(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": {"layers": "4C3R-10"}, "method": "time-based"}, "'conv1-conv1': a convolution that feeds itself"),
        ({"model": {"layers": "4C3-10"}, "feedback": {"share": 0.5}}, "feedback.share 0.5: no layer .* feeds itself"),
    ],
)
def test_what_has_no_such_loop_says_so(changes, expected, tmp_path):
    with pytest.raises(UserError, match=expected):
        train(resolved_config({"data": {"name": "digits"}, **changes}, "test.toml"), tmp_path / "run")


def test_time_based_training_scales_no_feedback():
    table = {"data": {"name": "digits"}, "model": {"layers": "12R-10"}, "feedback": {"share": 1}}
    with pytest.raises(UserError, match=r"feedback\.share with method 'time-based'"):
        resolved_config({**table, "method": "time-based"}, "test.toml")


TIMED = CONFIG.replace("voltage_keep = 0.75", 'forgets = "potential"')
MAPS = CONFIG.replace("P2-40R-8", "4C3S2R-P2-8") + "[feedback]\nshare = 0.5"


@pytest.mark.parametrize(
    "config", [CONFIG, 'method = "time-based"\n' + TIMED, MAPS], ids=["lif", "current-based", "maps, scaled"]
)
def test_it_trains_exports_and_verifies(config, tmp_path):
    (tmp_path / "loop.toml").write_text(config)
    done = snn_deploy("train", tmp_path / "loop.toml", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.stderr
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["test_accuracy"] > 0.4
    assert snn_deploy("export", tmp_path / "run").exit_code == 0
    verified = snn_deploy("verify", tmp_path / "run" / "loihi", "--samples", 10, "--backends", "reference,cpu,onnx")
    assert verified.exit_code == 0, verified.stderr
    assert snn_deploy("map", tmp_path / "run" / "loihi").exit_code == 0
