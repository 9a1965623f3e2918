"""An output that leaks and sees the input: its plan, and the same potentials in training, in floats and in integers."""

import numpy as np
import pytest
import torch

from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.network import float_semantics, integer_semantics
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.models.filtered_output import Model
from snn_deploy.train.models.layer_string import Model as LayerString
from snn_deploy.train.networks.forward_options import ForwardOptions, Quantization
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.neurons.lif import Neuron

STEPS, SHAPE = 7, (2, 6, 1)


def built(keep=0.75):
    """Return a network, its inputs (steps, batch, *shape), and these as samples."""
    none = load_plugin("train.norms", "none").Norm()
    plan = Model("20-2", output_keep=keep).plan(SHAPE, 2)
    network = SpikingNetwork(plan, Neuron(0.5), none, none, torch.Generator().manual_seed(0))
    frames = np.random.default_rng(0).integers(0, 256, (STEPS, 5, *SHAPE), dtype=np.uint8)
    return network.eval(), frames, Samples(np.swapaxes(frames, 0, 1), np.zeros(5), 2, is_sequence=True)


def outputs(network, frames, limits=None):
    """Return the output's potentials, (steps, batch, values), of a pass in floats or within `limits`."""
    surrogate = load_plugin("train.surrogates", "dspike")
    quantization = None if limits is None else Quantization(limits, 1 / 255, 255)
    options = ForwardOptions(surrogate.Surrogate(), 3.0, surrogate.slope, quantization=quantization)
    return network(torch.from_numpy(frames.astype(np.float32)) / 255, STEPS, options).output


def test_its_layers_are_those_of_layer_string_with_a_leak_and_a_connection_more():
    chain, plan = LayerString("20R-8-2").plan(SHAPE, 2), Model("20R-8-2", output_keep=0.5).plan(SHAPE, 2)
    assert plan.populations[:-1] == chain.populations[:-1]
    assert (plan.output.voltage_keep, plan.output.fires) == (0.5, False)
    assert plan.connections[:-1] == chain.connections
    added = plan.connections[-1]
    assert (added.source, added.target, added.weights_shape, added.has_norm) == ("input", "output", (2, 12), False)
    assert Model("20-2", output_keep=1.0, sees_input=False).plan(SHAPE, 2) == LayerString("20-2").plan(SHAPE, 2)


def test_a_network_without_a_hidden_layer_has_no_synapses_twice():
    assert len(Model("2").plan(SHAPE, 2).connections) == 1


def test_the_potentials_of_training_are_those_of_the_float_network():
    network, frames, samples = built()
    with torch.no_grad():
        found = outputs(network, frames).numpy()
    plain = to_float_network(network, samples, STEPS, {})
    assert plain.output.voltage_keep.tolist() == [0.75, 0.75]
    trace = float_semantics.run(plain, frames)
    assert trace.spikes["dense1"].any()
    np.testing.assert_allclose(found, trace.potentials["output"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("keep", [0.75, 1.0])
def test_a_rounded_pass_has_the_potentials_of_the_exported_network_in_every_step(keep):
    network, frames, samples = built(keep)
    limits = Limits(8)
    with torch.no_grad():
        found = outputs(network, frames, limits).numpy()
    export = to_integer_network(to_float_network(network, samples, STEPS, {}), limits)
    integers = integer_semantics.run(export.network, frames).potentials["output"]
    assert len(np.unique(integers)) > STEPS
    np.testing.assert_allclose(found, integers * export.fits["output"].units / 64, rtol=1e-6)


def test_a_rounded_pass_has_the_gradients_of_a_leak_without_rounding():
    network, frames, _ = built()
    gradients = []
    for limits in (None, Limits(8)):
        network.zero_grad()
        outputs(network, frames, limits).square().mean().backward()
        gradients.append(network.weights["input-output"].grad.clone())
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients, rtol=0.05, atol=0.05 * float(gradients[0].abs().max()))


def test_a_leak_that_no_chip_holds_is_refused_where_weights_are_rounded():
    network, frames, _ = built(0.3)
    with pytest.raises(UserError, match="voltage_keep of 'output'"):
        outputs(network, frames, Limits(8))
