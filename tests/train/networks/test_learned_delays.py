"""Networks with learned delays: the same spikes after the export, and a task that nothing else solves."""

import numpy as np
import pytest
import torch

import snn_deploy as sd
from snn_deploy.network import float_semantics
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.datasets import coincidence
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.run.loop import Watcher
from snn_deploy.train.run.run_start import build_network

EASY = {"neuron": {"threshold": 0.1, "voltage_keep": 0.5}}  # fires without training
COINCIDENCE = {
    "steps": 12,
    "data": {"name": "coincidence", "steps": 12, "classes": 2, "apart": 4, "samples": 400},
    "model": {"layers": "32-2"},
    "norm": {"name": "scale_tdbn"},
    "training": {"epochs": 15, "batch_size": 20, "threads": 1, "measured_samples": 0, "synapses": "float32"},
}


def built(layers, norm="none", **delays):
    table = {"steps": 5, "data": {"name": "moving_shapes", "steps": 5, "size": 8, "samples": 40}, **EASY}
    table |= {"model": {"layers": layers}, "norm": {"name": norm}, "delays": {"most": 3, **delays}}
    config = resolved_config(table, "test.toml")
    samples = config.data.options.load("test")
    return samples, build_network(config, samples, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("layers", "norm", "kind"),
    [("3C3-P2-4C3-10-8", "none", "axonal"), ("12-10R-8", "none", "synaptic"), ("3C3-P2-9-8", "tdbn", "axonal")],
)
def test_the_plain_network_has_a_connection_for_each_delay_and_the_same_spikes(layers, norm, kind):
    samples, network = built(layers, norm, kind=kind)
    frames = np.moveaxis(samples.inputs, 1, 0).astype(float)
    surrogate = load_plugin("train.surrogates", "rectangle")
    options = ForwardOptions(surrogate.Surrogate(), 1.0)
    with torch.no_grad():
        if norm != "none":
            network(torch.from_numpy(frames).float(), 5, options)  # moments with a mean that is not 0
        network.eval()
        recording = network(torch.from_numpy(frames).float(), 5, options)
    plain = to_float_network(network, samples, 5, {})
    assert {c.delay for c in plain.connections if c.source != c.target} == {0, 1, 2, 3}
    trace = float_semantics.run(plain, frames)
    for layer in recording.layers:
        assert 0 < layer.spikes.mean() < 1
        assert (layer.spikes.numpy() != trace.spikes[layer.name]).mean() < 0.002  # float32 at a threshold


def test_the_compiled_path_fires_as_the_plain_one_and_trains_the_same_delays():
    samples, network = built("3C3-P2-9-8", "centered_tdbn", kind="axonal")
    inputs = torch.from_numpy(np.moveaxis(samples.inputs, 1, 0).copy()).float()
    surrogate, found = load_plugin("train.surrogates", "rectangle"), []
    for slope in (None, surrogate.slope):
        network.zero_grad()
        recording = network(inputs, 5, ForwardOptions(surrogate.Surrogate(), 1.0, slope, delay_width=1.0))
        recording.output.square().mean().backward()
        found.append([p.grad.clone() for p in network.delay_parameters])
        assert len(found[-1]) == 3
    for plain, compiled in zip(*found, strict=True):
        assert plain.abs().max() > 0
        torch.testing.assert_close(plain, compiled, rtol=1e-3, atol=1e-7)


def test_two_lags_are_told_apart_with_delays_only_and_exported_exactly(tmp_path):
    without = sd.train(COINCIDENCE, out=tmp_path / "without")
    assert abs(without.accuracy - 0.5) < 0.02
    config = {**COINCIDENCE, "delays": {"kind": "synaptic", "most": 8}}
    run = sd.train(config, out=tmp_path / "with")
    assert run.accuracy > 0.95
    exported = sd.export(run.folder)
    assert max(c.delay for c in exported.network.connections) > 3
    assert sd.verify(exported.network, samples=5, backends=["reference", "cpu", "onnx"]).is_identical
    assert sd.run(exported.network, samples=0).accuracy > 0.95
    assert sd.place(exported.network, chip="loihi1").fits

    frames = np.moveaxis(coincidence.Dataset(steps=12, classes=2, samples=400).load("test").inputs[:20], 1, 0)
    sd.write_nir(run.network, tmp_path / "network.nir")
    again = sd.read_nir(tmp_path / "network.nir")
    for name, sent in float_semantics.run(run.network, frames.astype(float)).spikes.items():
        assert np.array_equal(sent, float_semantics.run(again, frames.astype(float)).spikes[name])
    for_lava_dl = sd.export(run.folder, lava_dl=True).save(tmp_path / "net")
    assert for_lava_dl.problem is None
    read = sd.read_net(tmp_path / "net/network.net")
    assert {c.delay for c in read.connections} == {c.delay for c in for_lava_dl.network.connections}
    ran = [sd.run(network, inputs=frames, record=True).simulation for network in (for_lava_dl.network, read)]
    assert all(np.array_equal(*pair) for pair in zip(*(list(s.spikes.values()) for s in ran), strict=True))


def test_a_stopped_training_goes_on_to_the_same_bytes(tmp_path):
    table = {**COINCIDENCE, "delays": {"kind": "synaptic", "most": 8}}
    table["training"] = {**table["training"], "epochs": 3}
    whole = sd.train(table, out=tmp_path / "whole")

    def stop(metrics):
        if metrics["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sd.train(table, out=tmp_path / "stopped", watcher=Watcher(epoch=stop))
    again = sd.train(table, out=tmp_path / "stopped", resume=True)
    assert (again.folder / "float_network.npz").read_bytes() == (whole.folder / "float_network.npz").read_bytes()


def test_fit_takes_no_network_with_learned_delays(tmp_path):
    table = {**COINCIDENCE, "delays": {"kind": "synaptic", "most": 8}}
    run = sd.train(table, out=tmp_path / "run", changes=["training.epochs=1"])
    with pytest.raises(UserError, match="fit: the run has learned delays"):
        sd.fit(run.folder, cores=1, out=tmp_path / "fit")
    assert not (tmp_path / "fit" / "fit.json").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"delays": {"kind": "synaptic"}, "model": {"layers": "4C3-10"}}, "only dense layers have a delay for each"),
        ({"delays": {"kind": "axonal"}, "quantization": {"epochs": 1}}, "quantization with delays"),
        ({"delays": {"kind": "axonal"}, "ann_first": {"epochs": 1}}, "ann_first with delays"),
        ({"delays": {"kind": "axonal"}, "method": "time-based"}, "delays with method 'time-based'"),
        ({"delays": {"kind": "axonal", "most": 63}}, r"\[delays\]: most"),
    ],
)
def test_what_does_not_go_with_delays_is_refused_in_one_line(changes, said, tmp_path):
    table = {"steps": 4, "data": {"name": "digits"}, "model": {"layers": "12-10"}, **changes}
    with pytest.raises(UserError, match=said):
        sd.train(table, out=tmp_path / "run")
    assert not (tmp_path / "run" / "config.toml").exists()
