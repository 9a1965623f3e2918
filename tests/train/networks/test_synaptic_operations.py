import numpy as np
import pytest
import torch

from snn_deploy.network.fan_out import fan_out
from snn_deploy.network.float_network import FloatConnection
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedInput, PlannedPopulation
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.synaptic_operations import fan_outs
from snn_deploy.train.neurons.lif import Neuron
from snn_deploy.train.run.layer_statistics import measured_layers
from snn_deploy.train.surrogates.rectangle import Surrogate as Rectangle


def test_a_dense_layer_gives_every_source_one_synapse_per_target():
    fans = fan_outs(Model("7-3").plan((2, 4, 4), 3))
    assert fans["input"].shape == (2, 4, 4)
    assert (fans["input"] == 7).all()
    assert fans["dense1"].tolist() == [3.0] * 7


def test_synapses_that_end_in_the_padding_do_not_exist():
    fans = fan_outs(Model("5C3-3").plan((1, 3, 3), 3))["input"]
    assert fans[0].tolist() == [[20, 30, 20], [30, 45, 30], [20, 30, 20]]


def test_pooled_neurons_have_the_synapses_of_their_window_and_those_outside_have_none():
    fans = fan_outs(Model("2C1-P2-3").plan((1, 5, 4), 3))["conv1"]
    assert (fans[:, :4] == 3).all()
    assert (fans[:, 4] == 0).all()


def test_connections_from_one_source_add_up():
    populations = (PlannedPopulation("a", (2,)), PlannedPopulation("b", (3,), fires=False))
    connections = (
        PlannedConnection("x", "in", "a", (2, 4)),
        PlannedConnection("y", "in", "b", (3, 4)),
        PlannedConnection("z", "a", "b", (3, 2)),
    )
    fans = fan_outs(NetworkPlan(PlannedInput("in", (4,)), populations, connections))
    assert fans["in"].tolist() == [5, 5, 5, 5]
    assert fans["a"].tolist() == [3, 3]


@pytest.mark.parametrize("layers", ["4C3S2-P2-6C3-10", "3C5-4C3S2-P3-10", "8-6-10"])
def test_fan_outs_are_those_that_the_exported_network_is_counted_with(layers):
    plan = Model(layers).plan((2, 9, 11), 10)
    shapes = {"input": plan.input.shape, **{p.name: p.shape for p in plan.populations}}
    fans = fan_outs(plan)
    for connection in plan.connections:
        counted = fan_out(_with_weights(connection), shapes[connection.source])
        assert np.array_equal(fans[connection.source], counted)


def test_measured_operations_are_the_spikes_times_their_fan_outs():
    plan = Model("4C3-P2-6C3-10").plan((1, 9, 9), 10)
    norm = load_plugin("train.norms", "none").Norm()
    network = SpikingNetwork(plan, Neuron(), norm, norm, torch.Generator().manual_seed(0))
    inputs = np.random.default_rng(0).integers(0, 256, (7, 1, 9, 9)).astype(np.uint8)
    measured = measured_layers(network, Samples(inputs, np.zeros(7, np.int64), 10), 3)
    with torch.no_grad():
        layers = network(torch.from_numpy(inputs).float() / 255, 3, ForwardOptions(Rectangle(), 1.0)).layers
    fans = fan_outs(plan)
    total = sum((layer.spikes.double() * fans[layer.name]).sum().item() for layer in layers)
    assert total > 0
    assert measured["measured/synaptic_operations"] == pytest.approx(total / 7)


def _with_weights(connection):
    """Return a FloatConnection like `connection`."""
    c = connection
    weights = np.ones(c.weights_shape)
    return FloatConnection(
        c.name, c.source, c.target, weights, c.stride, c.padding, c.dilation, c.groups, c.pool, "average"
    )
