"""sinabs' neurons and the populations made of them fire the same spikes, in double precision."""

import pytest
import torch
from helpers.network_of_neurons import BATCH, STEPS, call, image, neurons_of, plug_in, require_equal, vector
from torch import nn

from snn_deploy.interchange.linear.operations import NodeError

layers = pytest.importorskip("sinabs.layers", reason="sinabs is not installed (the group dev has it)")
activation = pytest.importorskip("sinabs.activation")

SINGLE = {"spike_fn": activation.SingleSpike}
TO_ZERO, TO_VALUE = {"reset_fn": activation.MembraneReset()}, {"reset_fn": activation.MembraneReset(-0.2)}
OTHER_VALUE = {"reset_fn": activation.MembraneSubtract(0.5)}
TAUS = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])


def threshold(value):
    return {"spike_threshold": torch.tensor(value)}


TAKEN = [
    ("LIF", {"tau_mem": 5.0, **threshold(0.7)}),
    ("LIF", {"tau_mem": 5.0, "norm_input": False, **threshold(1.5)}),
    ("LIF", {"tau_mem": 5.0, "tau_syn": 3.0, **threshold(1.2)}),
    ("LIF", {"tau_mem": 5.0, "tau_syn": 3.0, "norm_input": False, **threshold(4.0)}),
    ("LIF", {"tau_mem": 5.0, "tau_syn": 3.0, "train_alphas": True, **threshold(1.2)}),
    ("LIF", {"tau_mem": 5.0, **TO_ZERO, **threshold(0.5)}),
    ("LIF", {"tau_mem": 5.0, **TO_VALUE, **threshold(0.3)}),
    ("LIF", {"tau_mem": 5.0, **OTHER_VALUE, **threshold(0.7)}),
    ("LIF", {"tau_mem": 5.0, "tau_syn": 2.0, **OTHER_VALUE, **threshold(0.9)}),
    ("LIF", {"tau_mem": 5.0, "tau_syn": 2.0, **TO_VALUE, **threshold(0.5)}),
    ("IAF", threshold(2.0)),
    ("IAF", {"tau_syn": 3.0, **threshold(5.0)}),
    ("IAF", {"spike_fn": activation.MaxSpike(1), **threshold(2.0)}),
    ("IAF", {**TO_ZERO, **threshold(1.5)}),
]


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_neurons_of_batch_and_steps(kind, fields):
    require_equal(getattr(layers, kind)(**SINGLE | fields), vector(), "second")


@pytest.mark.parametrize("sizes", [{"batch_size": BATCH}, {"num_timesteps": STEPS}])
@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_neurons_that_squeeze_batch_and_steps(kind, fields, sizes):
    require_equal(getattr(layers, f"{kind}Squeeze")(**SINGLE | fields | sizes), image(strength=1.2), "flat")


def test_a_time_constant_and_a_threshold_of_each_neuron():
    found = require_equal(layers.LIF(TAUS, tau_syn=TAUS.flip(0), **SINGLE, **threshold([1.0] * 6)), vector(), "second")
    assert found.voltage_keep.shape == found.current_keep.shape == (6,)


@pytest.mark.parametrize("fields", [{}, {"norm_input": True}, {"train_alphas": True}])
def test_leaky_integrators_show_their_potential(fields):
    found = require_equal(layers.ExpLeak(tau_mem=4.0, **fields), vector(), "second")
    assert not found.fires
    require_equal(layers.ExpLeakSqueeze(tau_mem=4.0, batch_size=BATCH, **fields), image(), "flat")


def settled(layer, seed=0):
    torch.manual_seed(seed)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0.0, 0.3)
    return layer


RECURRENT = [
    ("LIFRecurrent", {"tau_mem": 5.0, **threshold(0.7)}),
    ("LIFRecurrent", {"tau_mem": TAUS, **threshold(0.6)}),
    ("IAFRecurrent", {**threshold(2.0)}),
    ("IAFRecurrent", {**threshold(2.0), **TO_VALUE}),
]


@pytest.mark.parametrize(("kind", "fields"), RECURRENT)
@pytest.mark.parametrize("bias", [True, False])
def test_recurrent_neurons(kind, fields, bias):
    weights = settled(nn.Linear(6, 6, bias=bias))
    require_equal(getattr(layers, kind)(rec_connect=weights, **SINGLE | fields), vector(), "second")


def test_recurrent_neurons_with_a_synaptic_current_or_a_flatten_around_their_weights():
    fields = SINGLE | threshold(1.2)
    weights = settled(nn.Linear(6, 6, bias=False))
    require_equal(layers.LIFRecurrent(tau_mem=5.0, tau_syn=3.0, rec_connect=weights, **fields), vector(), "second")
    weights = nn.Sequential(nn.Flatten(), settled(nn.Linear(6, 6)), nn.Unflatten(1, (6,)))
    require_equal(layers.IAFRecurrent(rec_connect=weights, **fields), vector(), "second")


def test_recurrent_neurons_with_a_convolution():
    weights = settled(nn.Conv2d(3, 3, 3, padding=1), seed=1)
    neuron = layers.LIFRecurrent(tau_mem=5.0, rec_connect=weights, **SINGLE, **threshold(0.5))
    require_equal(neuron, image(), "second")


def test_forgetting_lets_the_next_call_have_another_batch():
    neuron = layers.LIF(tau_mem=5.0, tau_syn=3.0, **SINGLE)
    call(neuron, torch.ones(4, 5, 6))
    plug_in(neuron).forget(neuron)
    assert call(neuron, torch.ones(3, 5, 6))[0].shape == (3, 5, 6)
    assert neuron.i_syn.shape == neuron.v_mem.shape == (3, 6)


def subtract_all(_spikes, state, _threshold):
    return state


def recurrent_with(layer, **fields):
    return layers.LIFRecurrent(**{"tau_mem": 5.0, "rec_connect": layer} | SINGLE | fields)


REFUSED = [
    (lambda: layers.LIF(tau_mem=5.0), "spike_fn MultiSpike: a neuron sends several.*spike_fn=SingleSpike"),
    (lambda: layers.IAFSqueeze(batch_size=1), "spike_fn MultiSpike: a neuron sends several"),
    (lambda: layers.IAF(spike_fn=activation.MaxSpike(3)), "spike_fn MaxSpike: a neuron sends several"),
    (lambda: layers.IAF(spike_fn=torch.autograd.Function), r"spike_fn Function; allowed are SingleSpike and MaxSpike"),
    (lambda: layers.IAF(min_v_mem=-1.0, **SINGLE), "min_v_mem is -1: potentials are cut off"),
    (lambda: layers.ExpLeak(5.0, min_v_mem=0.0), "min_v_mem is 0: potentials are cut off"),
    (lambda: layers.IAF(reset_fn=subtract_all, **SINGLE), "reset_fn function; allowed are MembraneSubtract"),
    (lambda: layers.IAF(**SINGLE, **threshold(-1.0)), "spike_threshold -1; allowed are positive"),
    (lambda: layers.LIF(tau_mem=-5.0, **SINGLE), "tau_mem leaves 1.2"),
    (lambda: layers.LIF(tau_mem=5.0, tau_syn=-5.0, **SINGLE), "tau_syn leaves 1.2"),
    (lambda: recurrent_with(settled(nn.Linear(3, 3)), tau_syn=3.0), "leaves out in the first step.*bias=False"),
    (lambda: recurrent_with(nn.Sequential(nn.Linear(3, 3), nn.ReLU())), "recurrent layers Linear, ReLU"),
    (lambda: recurrent_with(nn.Conv2d(3, 3, 3, padding="same")), "recurrent weights with padding 'same'"),
    (lambda: recurrent_with(nn.ReLU()), "a recurrent ReLU; allowed are Linear and Conv2d"),
    (lambda: layers.ALIF(tau_mem=5.0, tau_adapt=5.0), r"\(adaptation\)"),
    (lambda: layers.ALIFRecurrent(tau_mem=5.0, tau_adapt=5.0, rec_connect=nn.Identity()), r"\(adaptation\)"),
    (layers.NeuromorphicReLU, "rounds numbers"),
    (lambda: layers.SpikingMaxPooling2dLayer((2, 2)), "fired most so far"),
    (lambda: layers.Img2SpikeLayer((1, 2, 2)), "draws random spikes"),
    (lambda: layers.Sig2SpikeLayer(2), "draws random spikes"),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_is_no_population_is_refused(make, reason):
    with pytest.raises(NodeError, match=reason):
        neurons_of(make())
