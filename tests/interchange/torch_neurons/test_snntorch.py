"""snnTorch's neurons and the populations made of them fire the same spikes, in double precision."""

import numpy as np
import pytest
import torch
from helpers.network_of_neurons import call, image, neurons_of, require_equal, vector

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.support.plugin import load_plugin

snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")


@pytest.fixture(autouse=True)
def forgotten():
    """Take the neurons of a test off snnTorch's list of all there are, which snntorch.utils.reset goes through."""
    before = list(snntorch.SpikingNeuron.instances)
    yield
    snntorch.SpikingNeuron.instances[:] = before


PER_NEURON = torch.tensor([0.3, 0.9, 0.5, 1.0, 0.0, 0.7])
PER_CHANNEL = torch.tensor([0.3, 0.9, 0.6]).reshape(3, 1, 1)


def settled(module, seed=0):
    """Draw the recurrent weights, which snnTorch draws anew every time."""
    torch.manual_seed(seed)
    for parameter in module.recurrent.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    return module


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({"reset_mechanism": "subtract"}, "nothing"),
        ({"reset_mechanism": "subtract"}, "states"),
        ({"reset_mechanism": "subtract", "init_hidden": True}, "nothing"),
        ({"reset_mechanism": "subtract", "init_hidden": True, "output": True}, "nothing"),
        ({"reset_mechanism": "zero"}, "states"),
        ({"reset_mechanism": "zero", "reset_delay": False}, "states"),
        ({"reset_mechanism": "zero", "reset_delay": False, "init_hidden": True}, "nothing"),
        ({"reset_mechanism": "none"}, "states"),
        ({"reset_mechanism": "none", "reset_delay": False}, "states"),
        ({"beta": PER_NEURON, "threshold": PER_NEURON + 0.7, "learn_beta": True, "learn_threshold": True}, "states"),
        ({"beta": 1.25, "threshold": 2.0}, "states"),
        ({"beta": -0.25, "threshold": 0.4}, "states"),
    ],
)
def test_leaky(fields, passes):
    require_equal(snntorch.Leaky(**{"beta": 0.8, "threshold": 1.3} | fields), vector(), passes=passes)


def test_leaky_with_a_decay_and_a_threshold_of_each_channel():
    neuron = snntorch.Leaky(PER_CHANNEL, threshold=2 * PER_CHANNEL)
    require_equal(neuron, image(), passes="states")


def test_leaky_with_surrogates_and_without():
    for fields in ({"spike_grad": snntorch.surrogate.fast_sigmoid()}, {"surrogate_disable": True}):
        require_equal(snntorch.Leaky(0.8, threshold=1.3, **fields), vector(), passes="states")


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({}, "states"),
        ({"init_hidden": True}, "nothing"),
        ({"init_hidden": True, "output": True}, "nothing"),
        ({"reset_mechanism": "zero", "reset_delay": False}, "states"),
        ({"reset_mechanism": "none"}, "states"),
        ({"alpha": PER_NEURON, "beta": PER_NEURON.flip(0), "learn_alpha": True}, "states"),
        ({"alpha": 2.0, "beta": 0.5, "threshold": 12.0}, "states"),
    ],
)
def test_synaptic(fields, passes):
    neuron = snntorch.Synaptic(**{"alpha": 0.6, "beta": 0.7, "threshold": 3.0} | fields)
    require_equal(neuron, vector(bias=0.05), passes=passes)


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({}, "all"),
        ({"init_hidden": True}, "nothing"),
        ({"reset_mechanism": "none"}, "all"),
        ({"reset_mechanism": "zero", "reset_delay": False}, "all"),
        ({"beta": PER_NEURON}, "all"),
    ],
)
def test_recurrent_leaky_with_weights_between_all(fields, passes):
    neuron = snntorch.RLeaky(**{"beta": 0.8, "linear_features": 6, "threshold": 1.3} | fields)
    found = require_equal(settled(neuron), vector(), passes=passes)
    assert isinstance(found.recurrent, Dense) and found.recurrent.bias.any()


def test_recurrent_neurons_with_a_convolution():
    fields = {"beta": 0.8, "conv2d_channels": 3, "kernel_size": 3, "threshold": 1.5}
    found = require_equal(settled(snntorch.RLeaky(**fields)), image(), passes="all")
    assert isinstance(found.recurrent, Convolution)
    found = require_equal(settled(snntorch.RSynaptic(alpha=0.4, **fields)), image(), passes="all")
    assert isinstance(found.recurrent, Convolution)


@pytest.mark.parametrize("own", [{"V": -0.4}, {"V": PER_NEURON}, {"V": PER_NEURON, "learn_recurrent": False}])
def test_recurrent_neurons_whose_spikes_come_back_to_themselves(own):
    fields = {"beta": 0.8, "all_to_all": False} | own
    require_equal(snntorch.RLeaky(threshold=1.3, **fields), vector(), passes="all")
    require_equal(snntorch.RSynaptic(alpha=0.5, threshold=2.5, **fields), vector(), passes="all")


@pytest.mark.parametrize(
    ("fields", "passes"),
    [({}, "all"), ({"init_hidden": True}, "nothing"), ({"reset_mechanism": "none"}, "all")],
)
def test_recurrent_synaptic_with_weights_between_all(fields, passes):
    neuron = snntorch.RSynaptic(**{"alpha": 0.5, "beta": 0.7, "linear_features": 6, "threshold": 2.5} | fields)
    require_equal(settled(neuron), vector(), passes=passes)


def test_recurrent_synaptic_ignores_that_it_should_reset_at_once():
    neuron = snntorch.RSynaptic(0.5, 0.7, linear_features=6, threshold=2.5, reset_delay=False)
    neuron = settled(neuron).double()
    at_once = neurons_of(neuron)
    neuron.reset_delay = True
    delayed = neurons_of(neuron)
    for name in ("feedback", "second_feedback", "voltage_keep"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(delayed, name))
    zeros = torch.zeros(2, 6, dtype=torch.float64)
    drawn = torch.rand(8, 2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2
    sequences = []
    for delay in (False, True):
        neuron.reset_delay, states = delay, (zeros, zeros, zeros)
        spikes = []
        for current in drawn:
            states = neuron(current, *(s.double() for s in states))
            spikes.append(states[0])
        sequences.append(torch.stack(spikes))
    assert sequences[0].any() and torch.equal(*sequences)


@pytest.mark.parametrize(
    "fields",
    [
        {"beta": 0.8},
        {"R": 5.0, "C": 0.6, "time_step": 1.0},
        {"beta": 0.9, "R": 2.0},
        {"beta": 0.9, "C": 3.0},
        {"beta": 0.8, "reset_mechanism": "none", "init_hidden": True},
    ],
)
def test_lapicque(fields):
    passes = "nothing" if fields.get("init_hidden") else "states"
    require_equal(snntorch.Lapicque(threshold=0.9, **fields), vector(strength=3), passes=passes)


@pytest.mark.parametrize("beta", [0.8, torch.tensor([0.1, 0.9, 0.3, 0.5, 0.7, 0.8])])
@pytest.mark.parametrize("output", [True, False])
def test_state_leaky_takes_all_steps(beta, output):
    require_equal(snntorch.StateLeaky(beta, channels=6, threshold=1.5, output=output), vector(), "first")


def test_a_state_of_another_shape_begins_a_new_one():
    neuron = snntorch.Leaky(0.5)
    current = torch.ones(2, 3)
    _, found = call(neuron, current, neuron.init_leaky())
    assert found.before is None and found.after[0].shape == (2, 3)
    _, found = call(neuron, current, *found.after)
    assert found.before is not None


def test_neurons_of_a_class_of_the_users_are_called_like_those_it_is_derived_from():
    class Mine(snntorch.Synaptic):
        pass

    neuron, current = Mine(0.5, 0.5), torch.ones(2, 3)
    plug = load_plugin("interchange.torch_neurons", "snntorch")
    spikes, *states = neuron(current)
    found = plug.called(neuron, {"input_": current, "syn": states[0], "mem": states[1]}, (spikes, *states))
    assert found.before == tuple(states) and found.leaves is spikes and not found.begins
    plug.forget(neuron)
    assert neuron.mem.numel() == neuron.syn.numel() == 0


def test_states_passed_in_part_are_refused():
    neuron = snntorch.Synaptic(0.5, 0.5)
    with pytest.raises(NodeError, match="1 of the states syn, mem are passed"):
        call(neuron, torch.ones(2, 3), torch.ones(2, 3))


def with_other_reset(neuron, reset):
    neuron.reset_mechanism = reset
    return neuron


def with_recurrent(neuron, layer):
    neuron.recurrent = layer
    return neuron


def above_a_half(potential):
    return (potential > 0.5).to(potential.dtype)


REFUSED = [
    (lambda: snntorch.Leaky(0.5, reset_delay=False), "a potential above two thresholds"),
    (lambda: snntorch.Synaptic(0.5, 0.5, reset_delay=False), "a potential above two thresholds"),
    (lambda: snntorch.RLeaky(0.5, linear_features=3, reset_delay=False), "a potential above two thresholds"),
    (lambda: snntorch.Leaky(0.5, inhibition=True), "inhibition is True"),
    (lambda: snntorch.Leaky(0.5, state_quant=torch.round), "state_quant is .*; allowed is False"),
    (lambda: snntorch.Leaky(0.5, graded_spikes_factor=2.0), "graded_spikes_factor is .*; allowed is 1.0"),
    (lambda: snntorch.Leaky(0.5, threshold=0.0), "the threshold 0; allowed are positive"),
    (lambda: snntorch.Leaky(0.5, spike_grad=torch.sigmoid), "spike_grad gives .*; allowed is 1 above"),
    (lambda: snntorch.Leaky(0.5, spike_grad=above_a_half), "spike_grad gives .*; allowed is 1 above"),
    (
        lambda: with_other_reset(snntorch.Leaky(0.5, reset_mechanism="zero", reset_delay=False), "subtract"),
        "made with the reset 'zero' and given another",
    ),
    (lambda: snntorch.Synaptic(0.5, 0.5, reset_mechanism="zero"), "through the step after a spike.*reset_delay=False"),
    (
        lambda: snntorch.RLeaky(0.5, linear_features=3, reset_mechanism="zero"),
        "through the step after a spike.*reset_delay=False",
    ),
    (
        lambda: snntorch.RSynaptic(0.5, 0.5, linear_features=3, reset_mechanism="zero", reset_delay=False),
        'through the step after a spike.*Use reset_mechanism="subtract"',
    ),
    (lambda: snntorch.Lapicque(0.5, reset_mechanism="zero"), "through the step after a spike"),
    (lambda: snntorch.Lapicque(R=1.0, C=0.5), r"time_step / \(R C\) leaves -1..-1"),
    (
        lambda: with_recurrent(snntorch.RLeaky(0.5, linear_features=3), torch.nn.Bilinear(3, 3, 3)),
        "a recurrent Bilinear; allowed are Linear and Conv2d",
    ),
    (
        lambda: with_recurrent(
            snntorch.RLeaky(0.5, linear_features=3), torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())
        ),
        "recurrent layers Linear, ReLU; allowed are one",
    ),
    (lambda: snntorch.StateLeaky(0.5, channels=3, kernel_truncation_steps=4), "kernel_truncation_steps=4"),
    (lambda: snntorch.Alpha(0.9, 0.5), "the difference of two synaptic currents"),
    (lambda: snntorch.DeltaLeaky(beta=0.5), "fires where the potential changes"),
    (lambda: snntorch.LinearLeaky(0.5, 3, 4), "weights of its own"),
    (lambda: snntorch.LeakyParallel(3, 4), "weights of its own"),
    (lambda: snntorch.SLSTM(3, 4), "with gates"),
    (lambda: snntorch.SConv2dLSTM(1, 2, 3), "with gates"),
]


@pytest.mark.filterwarnings("ignore:Inhibition is an unstable feature")
@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_is_no_population_is_refused(make, reason):
    with pytest.raises(NodeError, match=reason):
        neurons_of(make())
