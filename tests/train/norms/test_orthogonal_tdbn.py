"""orthogonal_tdbn: what its weights do to mean inputs, and a network that trains, exports and infers with it."""

import pytest
import torch

import snn_deploy as sd
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.datasets.digits import Dataset
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.run.run_start import build_network

ORTHOGONAL = load_plugin("train.norms", "orthogonal_tdbn").Norm


def _norm(weights, means, *, shift=None, **options):
    norm = ORTHOGONAL(**options).build(len(weights), 0.5)
    norm.prepare_for(tuple(weights.shape))
    norm.eval()
    norm.input_means.copy_(means)
    if shift is not None:
        norm.shift.data.copy_(shift)
    return norm


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_mean_inputs_make_no_current_and_the_shift_is_in_deviations_of_spikes():
    weights, means = _random(4, 6), torch.tensor([0.1, 0.4, 0.0, 0.3, 0.2, 0.05])
    shift = torch.tensor([0.0, 0.5, -1.0, 2.0])
    orthogonal = _norm(weights, means).effective_weights(weights)
    torch.testing.assert_close(orthogonal @ means, torch.zeros(4), atol=1e-5, rtol=0)
    shifted = _norm(weights, means, shift=shift).effective_weights(weights)
    deviations = (orthogonal.square() @ (means * (1 - means)).clamp(min=1e-3)).sqrt()
    torch.testing.assert_close(shifted @ means, shift * deviations, atol=1e-4, rtol=0)


def test_by_hand():
    """w = (1, 3), m = (0.5, 0.25): w m = 1.25, m m = 0.3125, w - 4 m = (-1, 2)."""
    weights = torch.tensor([[1.0, 3.0]])
    found = _norm(weights, torch.tensor([0.5, 0.25])).effective_weights(weights)
    torch.testing.assert_close(found, torch.tensor([[-1.0, 2.0]]), atol=1e-4, rtol=0)


def test_with_equal_means_it_centres_the_weights():
    weights = _random(5, 3, 3, 3)
    found = _norm(weights, torch.full((3,), 0.2), has_shift=False).effective_weights(weights)
    centred = load_plugin("train.norms", "centered_tdbn").Norm().build(5, 0.5).effective_weights(weights)
    torch.testing.assert_close(found, centred, atol=1e-6, rtol=0)
    silent = _norm(weights, torch.zeros(3), has_shift=False).effective_weights(weights)
    torch.testing.assert_close(silent, centred, atol=1e-5, rtol=0)


def test_a_single_weight_is_left_as_it_is():
    weights = torch.tensor([[[[2.0]]], [[[-1.0]]]])
    assert torch.equal(_norm(weights, torch.tensor([0.5])).effective_weights(weights), weights)


def test_its_gradient_is_that_of_its_numbers():
    weights = _random(3, 4).double().requires_grad_()
    norm = _norm(weights.detach(), torch.tensor([0.1, 0.4, 0.2, 0.3]), shift=torch.tensor([0.3, -0.2, 1.0])).double()
    assert torch.autograd.gradcheck(norm.effective_weights, (weights,))


CONFIG = {
    "steps": 3,
    "data": {"name": "digits"},
    "model": {"layers": "4C3-P2-6C3-P2-12-10"},
    "norm": {"name": "orthogonal_tdbn"},
    "training": {"epochs": 4, "batch_size": 32, "samples": 1000, "threads": 1},
}


def test_in_a_network_it_hears_the_mean_of_each_input_channel_and_mean_currents_are_zero():
    config = resolved_config(CONFIG, "test")
    samples = Dataset().load("train").first(64)
    network = build_network(config, samples, torch.Generator().manual_seed(0))
    images = torch.from_numpy(samples.inputs).float() / 16
    options = ForwardOptions(config.surrogate.options, 1.0)
    with torch.no_grad():
        network.train()(images, 3, options)
        for connection in network.plan.connections[:-1]:
            norm = network.norm(connection)
            assert (norm.input_means > 0).any()
            weights = network.eval().effective_weights(connection)
            means = norm.input_means.float().repeat_interleave(weights[0].numel() // len(norm.input_means))
            assert (weights.flatten(1) @ means).abs().max() < 1e-4 * weights.flatten(1).norm(dim=1).max()
    torch.testing.assert_close(network.norm(network.plan.connections[0]).input_means, images.double().mean((0, 2, 3)))


def test_it_trains_exports_and_verifies(tmp_path):
    run = sd.train(CONFIG, out=tmp_path / "run")
    assert run.accuracy > 0.5
    assert all(c.norm is None or not c.norm.offset.any() for c in run.network.connections)
    exported = sd.export(run.network)
    verified = sd.verify(exported.network, Dataset().load("test").inputs[:20], backends=["reference", "cpu", "onnx"])
    assert verified.is_identical


def test_a_relu_network_has_no_deviation_of_spikes():
    with pytest.raises(sd.UserError, match="deviations of spikes"):
        resolved_config({**CONFIG, "ann_first": {"epochs": 1}}, "test")
