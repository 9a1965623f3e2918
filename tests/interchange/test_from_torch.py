"""A torch module and the FloatNetwork that is made of it fire the same spikes.

Weights are multiples of 1/8 and decays of 1/4, so that float32 makes no rounding error and every spike must be equal.
"""

import numpy as np
import pytest
import torch
from torch import nn

from snn_deploy.interchange.from_torch import from_torch
from snn_deploy.network.float_semantics import run
from snn_deploy.support.user_error import UserError
from snn_deploy.train.layers.lif_module import LIF, reset

STEPS = 8


def on_eighths(module, seed=0):
    """Put every weight and bias on multiples of 1/8; return the module."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                for parameter in layer.parameters():
                    parameter.copy_(torch.tensor(rng.integers(-8, 9, parameter.shape) / 8))
    return module


def require_equal_spikes(module, input_shape, *, sums=False, seed=1):
    """Compare every output of `module` on random spikes with the network made of it; return the network."""
    module.eval()
    network = from_torch(module, input_shape, STEPS, largest_value=1)
    frames = np.random.default_rng(seed).integers(0, 2, (STEPS, 5, *input_shape))
    with torch.no_grad():
        outputs = [module(torch.tensor(frame, dtype=torch.float32)) for frame in frames]
    theirs = np.stack([(o[0] if isinstance(o, tuple) else o).numpy() for o in outputs])
    trace = run(network, frames)
    name = network.output.name
    if sums:
        np.testing.assert_allclose(trace.potentials[name][-1], theirs.sum(axis=0), rtol=1e-5, atol=1e-5)
        return network
    assert 0 < theirs.mean() < 1, "the test would compare nothing"
    np.testing.assert_array_equal(trace.spikes[name], theirs)
    return network


def test_own_neurons_pooling_on_both_sides_and_nested_sequentials():
    block = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.AvgPool2d(2), LIF(0.5, 1.0), nn.Dropout(0.3))
    net = nn.Sequential(
        block, nn.AvgPool2d(2), nn.Conv2d(4, 4, 1, groups=2), nn.Identity(), LIF(0.25),
        nn.Flatten(), nn.Linear(16, 5, bias=False), LIF(0.75, 1.0, fires_at_threshold=False),
    )  # fmt: skip
    network = require_equal_spikes(on_eighths(net), (2, 8, 8))
    assert [p.name for p in network.populations] == ["0.2", "4", "7"]
    assert [c.name for c in network.connections] == ["0.0", "2", "6"]


def test_a_module_that_ends_in_weights_sums_them_over_the_steps():
    net = on_eighths(nn.Sequential(nn.Linear(6, 8), LIF(0.5, 1.0), nn.Linear(8, 3)))
    network = require_equal_spikes(net, (6,), sums=True)
    assert network.output.name == "output" and not network.output.fires


def test_batch_norm_with_a_shift_after_a_bias_is_kept_with_its_statistics():
    norm = nn.BatchNorm2d(4, eps=0.0)
    norm.running_mean[:] = torch.tensor([0.5, -0.25, 0.0, 1.0])
    norm.running_var[:] = torch.tensor([1.0, 4.0, 0.25, 1.0])
    with torch.no_grad():
        norm.bias[:] = torch.tensor([0.25, 0.5, -0.25, 0.0])
    net = on_eighths(nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.AvgPool2d(2), LIF(0.5, 0.5)))
    network = require_equal_spikes(net, (1, 8, 8))
    assert network.connections[0].norm is not None
    assert not network.populations[0].bias.any()


def test_own_neurons_pass_gradients_back_in_time():
    net = on_eighths(nn.Sequential(nn.Linear(4, 6), LIF(0.5, 1.0), nn.Linear(6, 2)))
    frames = torch.tensor(np.random.default_rng(0).integers(0, 2, (4, 3, 4)), dtype=torch.float32)
    sum(net(f) for f in frames).square().sum().backward()
    first = net[0].weight.grad.clone()
    assert first.abs().sum() > 0
    net.zero_grad()
    reset(net)
    net(frames[3]).square().sum().backward()
    assert not torch.equal(first, net[0].weight.grad)


@pytest.mark.parametrize(
    "neuron",
    [
        {"reset_mechanism": "zero"},
        {"reset_mechanism": "zero", "reset_delay": False},
        {"reset_mechanism": "subtract"},
        {"reset_mechanism": "none"},
        {"reset_mechanism": "subtract", "beta": 1.0},
    ],
)
def test_leaky_of_snntorch_in_every_reset(neuron):
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")
    fields = {"beta": 0.5, "init_hidden": True} | neuron
    net = nn.Sequential(nn.Conv2d(1, 3, 3), snntorch.Leaky(threshold=0.75, **fields), nn.AvgPool2d(2), nn.Flatten(),
                        nn.Linear(27, 6, bias=False), snntorch.Leaky(**fields))  # fmt: skip
    require_equal_spikes(on_eighths(net), (1, 8, 8))


@pytest.mark.parametrize("neuron", [{"reset_mechanism": "zero", "reset_delay": False}, {"beta": 1.0}])
def test_synaptic_of_snntorch_with_a_bias_of_its_current(neuron):
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")
    fields = {"alpha": 0.5, "beta": 0.75, "threshold": torch.full((6,), 3.0), "init_hidden": True} | neuron
    net = nn.Sequential(nn.Linear(9, 6), snntorch.Synaptic(**fields))
    network = require_equal_spikes(on_eighths(net), (9,))
    assert network.connections[0].norm is not None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("IFNode", {}),
        ("IFNode", {"v_reset": None}),
        ("LIFNode", {"tau": 2.0}),
        ("LIFNode", {"tau": 4.0, "decay_input": False, "v_reset": -0.5}),
        ("LIFNode", {"tau": 2.0, "decay_input": False, "v_reset": None}),
        ("ParametricLIFNode", {"init_tau": 2.0}),
    ],
)
def test_neurons_of_spikingjelly(kind, fields):
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron", reason="spikingjelly is not installed")
    layer = pytest.importorskip("spikingjelly.activation_based.layer")
    make = getattr(neuron, kind)
    net = nn.Sequential(layer.Conv2d(1, 3, 3), make(**fields), layer.AvgPool2d(2), layer.Flatten(),
                        layer.Linear(27, 6), make(**fields))  # fmt: skip
    require_equal_spikes(on_eighths(net), (1, 8, 8))


class _Branching(nn.Module):
    def forward(self, x):
        return x + x


class _Subclass(nn.Linear):
    pass


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([nn.Linear(4, 4), _Branching()], r"1 \(_Branching\): not known. Taken are Sequential, Conv2d"),
        ([_Subclass(4, 4), LIF()], r"0 \(_Subclass\): not known.*their subclasses are not"),
        ([nn.Linear(4, 4), nn.ReLU(), LIF()], r"1 \(ReLU\): not known"),
        ([nn.Linear(3, 4), LIF()], r"0 \(Linear\): it takes \(3,\) and gets \(4,\)"),
        ([nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False), LIF()], "keeps no running statistics"),
        ([nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)], "it follows a norm; allowed there are"),
        ([nn.Linear(4, 4), nn.BatchNorm1d(3), LIF()], r"3 channels; what arrives is \(4,\)"),
        ([nn.BatchNorm1d(4), LIF()], "a norm that follows no weights"),
        ([nn.Dropout()], "no neurons and no weights"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(layers, reason):
    with pytest.raises(UserError, match=reason):
        from_torch(nn.Sequential(*layers), (4,), STEPS)


def test_maximum_pooling_and_odd_convolutions_are_refused():
    for layer, reason in (
        (nn.MaxPool2d(2), "its result is no sum of spikes"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "padding_mode 'circular'"),
        (nn.AvgPool2d(3, padding=1, count_include_pad=False), "padding that does not count"),
    ):
        with pytest.raises(UserError, match=reason):
            from_torch(nn.Sequential(layer, LIF()), (1, 6, 6), STEPS)


def test_resets_of_snntorch_that_are_no_reset_of_a_chip_are_refused():
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")
    for neuron, reason in (
        (snntorch.Leaky(0.5, reset_delay=False), "a potential above two thresholds"),
        (snntorch.Leaky(0.5, inhibition=True), "inhibition is True"),
        (snntorch.Leaky(0.5, graded_spikes_factor=2.0), "graded_spikes_factor is"),
        (snntorch.Synaptic(0.5, 0.5, reset_mechanism="zero"), "through the step after a spike"),
    ):
        with pytest.raises(UserError, match=reason):
            from_torch(nn.Sequential(nn.Linear(4, 4), neuron), (4,), STEPS)
