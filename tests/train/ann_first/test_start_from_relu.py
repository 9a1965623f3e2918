"""What a spiking network takes over computes the same, in the unit of each layer's scale."""

import numpy as np
import pytest
import torch
from helpers.relu_network import OPTIONS, relu_network

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.ann_first.activation_scales import activation_scales
from snn_deploy.train.ann_first.match_rates import match_rates
from snn_deploy.train.ann_first.relu_network import ReluNetwork
from snn_deploy.train.ann_first.settle_moments import settle_moments
from snn_deploy.train.ann_first.start_from_relu import start_from_relu
from snn_deploy.train.models._residual_plan import ResidualNetwork, Stage, StemLayer
from snn_deploy.train.networks.spiking_network import SpikingNetwork

STEPS = 5
NORMS = sorted(set(plugin_names("train.norms")) - {"threshold_standardization"})  # of the other method
CHAIN = load_plugin("train.models", "layer_string").Model("3C3-P2-5C3-P2-6-4").plan((1, 8, 8), 4)
RESIDUAL = ResidualNetwork((StemLayer(3),), (Stage(3, 1), Stage(6, 1))).plan((1, 8, 8), 4)
IMAGES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(2))


def trained(plan, norm):
    """A ReLU network whose norms have seen currents, and learned something."""
    network = relu_network(plan, norm)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.norms.parameters():
            parameter.add_(torch.rand(parameter.shape, generator=generator) / 2)
        network(IMAGES, 1, OPTIONS["plain"])
    return network.eval()


def converted(relu, norm, scales, kind=SpikingNetwork):
    norms = [load_plugin("train.norms", name).Norm() for name in (norm, "none")]
    network = kind(relu.plan, relu.neuron, *norms, torch.Generator().manual_seed(9))
    start_from_relu(network, relu, scales, STEPS)
    return network.eval()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("plan", [CHAIN, RESIDUAL], ids=["chain", "residual"])
def test_with_relus_the_converted_weights_give_each_activation_divided_by_its_scale(plan, norm):
    relu = trained(plan, norm)
    with torch.no_grad():
        expected = relu.activations(IMAGES, OPTIONS["plain"])
        scales = activation_scales(plan, [expected], 97.0)
        same = converted(relu, norm, scales, ReluNetwork)
        found = same.activations(IMAGES, OPTIONS["plain"])
        for name, activations in expected.items():
            assert activations.max() > 0
            torch.testing.assert_close(found[name], activations / scales[name], rtol=2e-4, atol=1e-5)
        logits = relu(IMAGES, 1, OPTIONS["plain"]).logits
        torch.testing.assert_close(STEPS * same(IMAGES, 1, OPTIONS["plain"]).logits, logits, rtol=2e-4, atol=1e-5)


def test_a_scale_is_the_percentile_and_layers_that_a_fixed_shortcut_joins_share_the_largest():
    rng = np.random.default_rng(0)
    layers = list(enumerate(RESIDUAL.populations[:-1], 1))
    batches = [{p.name: torch.from_numpy(rng.exponential(i, (20, *p.shape))) for i, p in layers} for _ in range(3)]
    found = activation_scales(RESIDUAL, batches, 90.0)
    assert found["input"] == 1.0
    stem, inner, joined, *others = (p.name for _, p in layers)
    expected = {n: np.mean([np.percentile(b[n].numpy(), 90) for b in batches]) for n in (stem, inner, joined, *others)}
    assert found[stem] == found[joined] == pytest.approx(max(expected[stem], expected[joined]))
    for name in (inner, *others):
        assert found[name] == pytest.approx(expected[name])


def test_a_layer_that_is_mostly_silent_has_the_scale_of_its_largest_activation_and_a_silent_one_has_1():
    sparse = {p.name: torch.zeros(4, *p.shape) for p in CHAIN.populations[:-1]}
    sparse["conv1"][0, 0, 0, 0] = 3.0
    found = activation_scales(CHAIN, [sparse], 90.0)
    assert found == {"input": 1.0, "conv1": 3.0, "conv2": 1.0, "dense3": 1.0}


@pytest.mark.parametrize("norm", ["centered_tdbn", "tdbn", "none"])
def test_rates_are_matched_though_the_neurons_leak_and_reset_to_zero(norm):
    relu = trained(CHAIN, norm)
    with torch.no_grad():
        activations = relu.activations(IMAGES, OPTIONS["plain"])
    scales = activation_scales(CHAIN, [activations], 90.0)
    wanted = {name: float(values.mean()) / scales[name] for name, values in activations.items()}
    network = converted(relu, norm, scales)

    def rates():
        with torch.no_grad():
            return {r.name: float(r.spike_rate) for r in network(IMAGES, STEPS, OPTIONS["plain"]).layers}

    before = rates()
    assert min(before[name] / wanted[name] for name in wanted) < 0.7
    match_rates(network, wanted, IMAGES, STEPS, OPTIONS["plain"])
    after = rates()
    for name, rate in wanted.items():
        assert after[name] == pytest.approx(rate, rel=0.1)


@pytest.mark.parametrize("norm", ["centered_tdbn", "tdbn", "scale_tdbn"])
@pytest.mark.parametrize("plan", [CHAIN, RESIDUAL], ids=["chain", "residual"])
def test_settled_moments_change_no_spike_and_training_mode_then_gives_what_inference_does(plan, norm):
    relu = trained(plan, norm)
    with torch.no_grad():
        scales = activation_scales(plan, [relu.activations(IMAGES, OPTIONS["plain"])], 90.0)
    network = converted(relu, norm, scales)

    def output(*, training):
        network.train(training)
        with torch.no_grad():
            return network(IMAGES, STEPS, OPTIONS["plain"]).output

    expected = output(training=False)
    assert (output(training=True) - expected).abs().max() > 0.01
    network = converted(relu, norm, scales)
    settle_moments(network, IMAGES, STEPS, OPTIONS["plain"])
    torch.testing.assert_close(output(training=False), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(output(training=True), expected, rtol=1e-3, atol=1e-3)
