"""A residual network goes the whole way: it trains, exports and gives the same spikes on two backends."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snn_deploy.deploy.verification.verify import verify
from snn_deploy.export.passes.quantize import Limits
from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.neurons.lif import Neuron

STEPS = 3
SURROGATE = load_plugin("train.surrogates", "dspike")
NO_NORM = load_plugin("train.norms", "none").Norm()


def images(count, shape=(3, 16, 16)):
    rng = np.random.default_rng(5)
    return Samples(rng.integers(0, 256, (count, *shape), dtype=np.uint8), rng.integers(0, 10, count), classes=10)


# Statistics that one batch all but sets: with the usual momentum nothing would fire after so little training.
NORM = load_plugin("train.norms", "centered_tdbn").Norm(momentum=0.999)


def network_of(name, samples, norm=NORM, **options):
    plan = load_plugin("train.models", name).Model(**options).plan(samples.inputs.shape[1:], 10)
    return SpikingNetwork(plan, Neuron(), norm, NO_NORM, torch.Generator().manual_seed(1))


def train_a_batch(network, samples, *, is_fused=True):
    network.train()
    options = ForwardOptions(SURROGATE.Surrogate(), 3.0, SURROGATE.slope if is_fused else None)
    inputs = torch.from_numpy(samples.inputs.astype(np.float32)) * samples.scale
    recording = network(inputs, STEPS, options)
    loss = torch.nn.functional.cross_entropy(recording.logits, torch.from_numpy(samples.labels))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    loss.backward()
    optimizer.step()
    return recording


@pytest.mark.parametrize("name", ["resnet18", "resnet19", "resnet20", "resnet34"])
def test_a_residual_network_trains_exports_and_verifies(name):
    samples = images(4)
    network = network_of(name, samples, width=4)
    before = {key: value.clone() for key, value in network.weights.items()}
    train_a_batch(network, samples)
    assert sum(not torch.equal(value, before[key]) for key, value in network.weights.items()) > len(before) // 2
    network.eval()

    integer = to_integer_network(to_float_network(network, samples, STEPS, {}), Limits()).network
    verification = verify(integer, samples.inputs[:2], ["reference", "cpu", "onnx"])

    assert verification.is_identical, str(verification)
    assert verification.spikes > 1000


def test_an_identity_passes_spikes_on_exactly_in_floats_and_integers():
    """With silent convolutions a block is the identity: its neurons fire where and when the source's do."""
    samples = images(3)
    network = network_of("resnet19", samples, NO_NORM, width=4)
    with torch.no_grad():
        for connection in network.plan.connections:
            if connection.target.startswith("stage1") and connection.fixed_weight is None:
                network.weights[connection.name] *= 1e-4
            elif connection.target == "stem1":
                network.weights[connection.name] *= 4
    network.eval()
    integer = to_integer_network(to_float_network(network, samples, STEPS, {}), Limits()).network
    simulation = load_plugin("deploy.backends", "reference").run(integer, samples.inputs, record=True)
    spikes = simulation.spikes
    assert spikes["stem1"].any()
    for block in ("stage1_block1", "stage1_block2", "stage1_block3"):
        np.testing.assert_array_equal(spikes[block], spikes["stem1"])


def test_identity_weights_are_neither_trained_nor_saved():
    network = network_of("resnet19", images(2), width=4)
    identity = next(c for c in network.plan.connections if c.fixed_weight is not None)
    assert (network.effective_weights(identity) == 2.0 * network.neuron.threshold).all()
    assert identity.name not in network.state_dict()
    assert not any("fixed" in name for name, _ in network.named_parameters())


def test_an_identity_equals_the_convolution_that_it_stands_for():
    """The same plan with a border of padding runs through the ordinary convolution: the inner currents agree."""
    samples = images(2)
    network = network_of("resnet20", samples, width=4)
    identity = next(c for c in network.plan.connections if c.fixed_weight is not None and c.pool == (2, 2))
    spikes = (torch.rand(STEPS, 2, 4, 16, 16, generator=torch.Generator().manual_seed(2)) < 0.3).float()
    options = ForwardOptions(load_plugin("train.surrogates", "dspike").Surrogate(), 1.0)
    values, pools = {identity.source: spikes}, {identity.source: (1, 1)}
    scaled = network._raw(identity, values, pools, options)
    padded = network._raw(replace(identity, padding=(1, 1)), values, pools, options)
    torch.testing.assert_close(scaled, padded[..., 1:-1, 1:-1])


def test_both_paths_give_a_residual_network_the_same_spikes():
    samples = images(3)
    rates = []
    for is_fused in (True, False):
        recording = train_a_batch(network_of("resnet18", samples, width=4), samples, is_fused=is_fused)
        rates.append([layer.spike_rate.item() for layer in recording.layers])
    np.testing.assert_allclose(*rates, atol=2e-3)
