import numpy as np
import pytest
import torch
from torch.nn import functional

from snn_deploy.fitting.importance import magnitude, synapse_changes, synapse_sizes, taylor
from snn_deploy.fitting.parts import smallest
from snn_deploy.fitting.smaller_start import trained_network
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.models import layer_string
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.run.evaluation import input_tensor
from snn_deploy.train.run.inheritance import read_parent

PLAN = layer_string.Model("6C3-P2-8C3-12-10").plan((1, 8, 8), 10)


@pytest.fixture(scope="module")
def run(chain):
    return read_parent(chain)


def losses(network, samples, scale_of=None, factor=1.0):
    """Return each sample's loss, where what the last hidden layer's neuron `scale_of` sends counts `factor` times."""
    weights = network.weights["dense3-output"]
    before = weights.detach().clone()
    with torch.no_grad():
        if scale_of is not None:
            weights[:, scale_of] *= factor
        options = ForwardOptions(load_plugin("train.surrogates", "rectangle").Surrogate(), 1.0)
        inputs = input_tensor(samples, np.arange(len(samples.labels)), torch.device("cpu"))
        recording = network(inputs, 3, options)
        found = functional.cross_entropy(recording.logits.double(), torch.from_numpy(samples.labels), reduction="none")
        weights.copy_(before)
    return found.numpy()


def test_behind_the_last_hidden_layer_it_is_the_derivative_of_the_loss(run):
    network = trained_network(run, PLAN)
    network.eval()
    samples = run.config.data.options.load("train").first(40)
    found = taylor(network, run.config, samples)["dense3"]
    step = 1e-2
    for neuron in range(12):
        change = (losses(network, samples, neuron, 1 + step) - losses(network, samples, neuron, 1 - step)) / (2 * step)
        assert found[neuron] == pytest.approx(np.abs(change).mean(), rel=2e-3, abs=1e-5)


def test_a_channel_that_nobody_hears_is_worth_nothing_and_all_layers_are_there(run):
    network = trained_network(run, PLAN)
    with torch.no_grad():
        network.weights["conv1-conv2"][:, 3] = 0.0
    samples = run.config.data.options.load("train").first(40)
    found = taylor(network, run.config, samples)
    assert {name: len(values) for name, values in found.items()} == {"conv1": 6, "conv2": 8, "dense3": 12}
    assert found["conv1"][3] == 0
    assert (np.delete(found["conv1"], 3) > 0).any()
    again = taylor(network, run.config, samples)
    assert all((found[name] == again[name]).all() for name in found)


def test_magnitudes_are_sums_of_the_weights_that_arrive(run):
    network = trained_network(run, PLAN)
    found = magnitude(network)
    weights = network.weights["input-conv1"].detach().numpy()
    np.testing.assert_allclose(found["conv1"], np.abs(weights).sum((1, 2, 3)), rtol=1e-6)
    assert list(found) == ["conv1", "conv2", "dense3"]


def test_what_synapses_are_worth_is_the_change_of_each_samples_loss_without_them(run):
    network = trained_network(run, PLAN)
    samples = run.config.data.options.load("train").first(40)
    before = {name: t.clone() for name, t in network.state_dict().items()}
    sizes = synapse_sizes(network)
    change = synapse_changes(network, run.config, samples, sizes)
    found = change("dense3-output", 0.5)

    whole = losses(network, samples)
    weights = network.weights["dense3-output"]
    gone = torch.from_numpy(smallest(sizes["dense3-output"], 0.5))
    assert int(gone.sum()) == weights.numel() // 2
    assert weights[gone].abs().max() <= weights[~gone].abs().min()
    with torch.no_grad():
        weights[gone] = 0
    assert found == pytest.approx(np.abs(losses(network, samples) - whole).mean(), rel=1e-5)
    with torch.no_grad():
        weights.copy_(before["weights.dense3-output"])
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    assert change("input-conv1", 0.95) > change("input-conv1", 0.3) > 0
