"""The ReLU network is what a hand-written one computes, with the same weights and in training mode too."""

import pytest
import torch
from helpers.relu_network import OPTIONS, THRESHOLD, relu_network
from torch import nn
from torch.nn import functional

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.models._residual_plan import ResidualNetwork, Stage, StemLayer
from snn_deploy.train.neurons.lif import Neuron


class ByHand(nn.Module):
    """3C3-P2-5C3-P2-6-4 with torch's own batch norms, whose biases and gains it trains."""

    def __init__(self, network):
        super().__init__()
        first, second, third, last = (
            nn.Parameter(network.weights[c.name].detach().clone()) for c in network.plan.connections
        )
        self.first, self.second, self.third, self.last = first, second, third, last
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (3, 5))
        self.dense_norm = nn.BatchNorm1d(6)

    def forward(self, images):
        values = functional.relu(self.norms[0](functional.conv2d(images, self.first, padding=1)))
        values = functional.conv2d(functional.avg_pool2d(values, 2), self.second, padding=1)
        values = functional.avg_pool2d(functional.relu(self.norms[1](values)), 2)
        values = functional.relu(self.dense_norm(functional.linear(values.flatten(1), self.third)))
        return functional.linear(values, self.last)


@pytest.mark.parametrize("path", OPTIONS)
def test_a_chain_and_its_gradients_are_those_of_a_hand_written_network(path):
    plan = load_plugin("train.models", "layer_string").Model("3C3-P2-5C3-P2-6-4").plan((2, 8, 8), 4)
    network = relu_network(plan)
    by_hand = ByHand(network)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(16, 2, 8, 8, generator=generator), torch.randint(4, (16,), generator=generator)
    found, expected = network(images, 1, OPTIONS[path]).logits, by_hand(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for outputs in (found, expected):
        functional.cross_entropy(outputs, labels).backward()
    theirs = (by_hand.first, by_hand.second, by_hand.third, by_hand.last)
    for connection, other in zip(plan.connections, theirs, strict=True):
        torch.testing.assert_close(network.weights[connection.name].grad, other.grad, rtol=1e-3, atol=1e-5)


def test_a_shortcut_adds_its_weight_times_the_activation():
    plan = ResidualNetwork((StemLayer(3),), (Stage(3, 1),), identity_weight=2.0).plan((1, 6, 6), 4)
    network = relu_network(plan, "none").eval()
    stem, inner, outer, last = (network.weights[c.name] for c in plan.connections if not c.is_fixed)
    images = torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    first = functional.relu(functional.conv2d(images, stem, padding=1)) / THRESHOLD
    middle = functional.relu(functional.conv2d(first, inner, padding=1)) / THRESHOLD
    joined = functional.relu(functional.conv2d(middle, outer, padding=1) / THRESHOLD + 2 * first)
    recording = network(images, 1, OPTIONS["plain"])
    torch.testing.assert_close(recording.logits, functional.linear(joined.mean((2, 3)), last))
    torch.testing.assert_close(network.activations(images, OPTIONS["plain"])["stage1_block1"], joined)


def test_what_only_spiking_neurons_have_makes_no_difference():
    plan = load_plugin("train.models", "layer_string").Model("3C3-P2-4").plan((1, 6, 6), 4)
    images = torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    plain, leaky = (
        relu_network(plan, neuron=Neuron(keep, THRESHOLD, learns_voltage_keep=learns))
        for keep, learns in ((0.5, False), (0.3, True))
    )
    assert plain.state_dict().keys() == leaky.state_dict().keys()
    assert torch.equal(plain(images, 1, OPTIONS["plain"]).logits, leaky(images, 7, OPTIONS["plain"]).logits)
