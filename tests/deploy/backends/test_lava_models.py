"""Networks that the trainer makes, untrained, on Lava: the Fashion-MNIST example's and a small residual one."""

import numpy as np
import pytest
import torch
from helpers.lava_help import lava_equals_reference, needs_lava

from snn_deploy.export.passes.quantize import Limits
from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.neurons.lif import Neuron

pytestmark = needs_lava


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [("layer_string", {"layers": "16C3-P2-32C3-P2-10"}, (1, 28, 28)), ("resnet20", {"width": 4}, (3, 8, 8))],
)
def test_a_network_of_the_trainer_is_exact_on_lava(name, options, shape):
    rng = np.random.default_rng(5)
    samples = Samples(rng.integers(0, 256, (8, *shape), dtype=np.uint8), rng.integers(0, 10, 8), classes=10)
    plan = load_plugin("train.models", name).Model(**options).plan(shape, 10)
    # Statistics that one batch all but sets, so that every layer fires.
    norm = load_plugin("train.norms", "centered_tdbn").Norm(momentum=0.999)
    generator = torch.Generator().manual_seed(1)
    network = SpikingNetwork(plan, Neuron(), norm, load_plugin("train.norms", "none").Norm(), generator)
    network.train()
    surrogate = load_plugin("train.surrogates", "dspike").Surrogate()
    with torch.no_grad():
        network(
            torch.from_numpy(samples.inputs.astype(np.float32)) * samples.scale, 4, ForwardOptions(surrogate, 3.0, None)
        )
    network.eval()
    integer = to_integer_network(to_float_network(network, samples, 4, {}), Limits()).network

    found = lava_equals_reference(integer, samples.inputs[:2])

    assert all(found.spike_counts[p.name].sum() > 0 for p in integer.populations if p.fires)
