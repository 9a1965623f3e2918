"""SpikingJelly's neurons and the populations made of them fire the same spikes, in double precision."""

import pytest
import torch
from helpers.network_of_neurons import call, image, neurons_of, plug_in, require_equal, vector

from snn_deploy.interchange.linear.operations import NodeError

neuron = pytest.importorskip("spikingjelly.activation_based.neuron", reason="spikingjelly is not installed (3.11)")
surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate")

TAKEN = [
    ("IFNode", {"v_threshold": 2.0}),
    ("IFNode", {"v_threshold": 2.0, "v_reset": None}),
    ("IFNode", {"v_reset": -0.5}),
    ("SimpleIFNode", {"v_threshold": 2.0}),
    ("SimpleIFNode", {"v_threshold": 2.0, "v_reset": None}),
    ("SimpleIFNode", {"v_reset": -0.5}),
    ("HalfThresholdIFNode", {"v_threshold": 3.0}),
    ("LIFNode", {"tau": 2.0, "v_threshold": 0.7}),
    ("LIFNode", {"tau": 2.0, "v_threshold": 0.7, "v_reset": None}),
    ("LIFNode", {"tau": 3.0, "v_threshold": 0.6, "v_reset": 0.25}),
    ("LIFNode", {"tau": 3.0, "decay_input": False, "v_threshold": 1.5}),
    ("LIFNode", {"tau": 3.0, "decay_input": False, "v_reset": None}),
    ("LIFNode", {"tau": 3.0, "decay_input": False, "v_reset": -0.5}),
    ("LIFNode", {"tau": 2.0, "v_threshold": 0.7, "surrogate_function": surrogate.ATan(), "detach_reset": True}),
    ("SimpleLIFNode", {"tau": 2.0, "decay_input": True, "v_threshold": 0.7, "v_reset": 0.3}),
    ("SimpleLIFNode", {"tau": 3.0, "decay_input": False, "v_reset": -0.5}),
    ("ParametricLIFNode", {"init_tau": 3.0, "v_threshold": 0.6}),
    ("ParametricLIFNode", {"init_tau": 1.5, "decay_input": False, "v_reset": None}),
    ("ParametricLIFNode", {"init_tau": 1.5, "decay_input": False, "v_reset": -0.5}),
]
ONE_STEP_ONLY = [
    ("OTTTLIFNode", {"tau": 3.0, "v_threshold": 1.5}),
    ("SLTTLIFNode", {"tau": 2.0, "v_threshold": 0.6}),
]


@pytest.mark.parametrize(("kind", "fields"), TAKEN + ONE_STEP_ONLY)
def test_neurons_that_take_one_step(kind, fields):
    require_equal(getattr(neuron, kind)(**fields), vector())


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_neurons_that_take_all_steps(kind, fields):
    require_equal(getattr(neuron, kind)(**fields, step_mode="m"), image(strength=1.3), "first")


@pytest.mark.parametrize(("mode", "time"), [("s", "none"), ("m", "first")])
@pytest.mark.parametrize("v_reset", [0.0, None, -0.5])
def test_neurons_with_a_synaptic_current(mode, time, v_reset):
    module = neuron.CUBALIFNode(0.4, 0.8, v_threshold=3.0, v_reset=v_reset)
    module.step_mode = mode
    require_equal(module, vector(), time)


@pytest.mark.parametrize(("mode", "time"), [("s", "none"), ("m", "first")])
def test_neurons_that_record_their_potentials(mode, time):
    require_equal(neuron.LIFNode(v_threshold=0.7, step_mode=mode, store_v_seq=True), vector(), time)


def test_a_threshold_of_each_neuron_and_a_start_of_the_users():
    module = neuron.IFNode(v_reset=None)
    module.v_threshold = torch.tensor([1.0, 2.0, 3.0, 1.5, 2.5, 0.5])
    module.set_reset_value("v", 0.4)
    found = require_equal(module, vector())
    assert found.initial_value == 0.4 and found.threshold.shape == (6,)


def test_forgetting_puts_the_potential_back_to_where_it_starts():
    module = neuron.IFNode(v_reset=-0.5)
    call(module, torch.ones(2, 3))
    plug_in(module).forget(module)
    assert module.v == -0.5


def with_field(module, name, value):
    setattr(module, name, value)
    return module


def starting_at(module, value):
    module.set_reset_value("v", value)
    return module


def not_spiking():
    return surrogate.Sigmoid(spiking=False)


REFUSED = [
    (lambda: neuron.IFNode(surrogate_function=not_spiking()), "surrogate_function gives .*; allowed is 1 at the"),
    (lambda: neuron.LIFNode(v_reset=1.0), "v_threshold 1.0 is not above v_reset 1.0"),
    (lambda: with_field(neuron.LIFNode(), "tau", 0.5), "tau leaves -1..-1 of a state"),
    (lambda: with_field(neuron.LIFNode(), "_neuron_precision", ("fp16",) * 3), "a precision of their own"),
    (lambda: starting_at(neuron.IFNode(), torch.ones(3)), r"reset\(\) puts v to a tensor"),
    (lambda: neuron.SimpleLIFNode(2.0, True, v_reset=None), "v_reset is None.*Use a LIFNode"),
    (lambda: neuron.CUBALIFNode(c_decay=1.5), "c_decay leaves 1.5..1.5"),
    (lambda: neuron.CUBALIFNode(v_decay=-0.5), "v_decay leaves -0.5..-0.5"),
    (neuron.KLIFNode, "cuts its potential off at 0"),
    (neuron.ComplementaryLIFNode, "a second memory"),
    (lambda: neuron.GatedLIFNode(T=4), "are gates"),
    (lambda: neuron.LIAFNode(torch.relu, False), "it sends numbers, not spikes"),
    (neuron.ILIFNode, "more than one spike"),
    (neuron.TernaryIFNode, "or negative ones"),
    (neuron.TernaryLIFNode, "or negative ones"),
    (neuron.QIFNode, "follows a curve"),
    (neuron.EIFNode, "follows a curve"),
    (neuron.IzhikevichNode, "follows a curve"),
    (lambda: neuron.PSN(T=4), "weighs the steps of a whole sample"),
    (neuron.NonSpikingIFNode, "puts out potentials of all steps"),
    (lambda: neuron.NonSpikingLIFNode(decode="last_mem"), "puts out potentials of all steps"),
    (lambda: neuron.ILCIFNode(2, 3), "come back through weights of its own"),
    (lambda: neuron.MPBNLIFNode(out_features=3), "normalizes its potential"),
    (neuron.DSRIFNode, "it sends numbers, not spikes"),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_is_no_population_is_refused(make, reason):
    with pytest.raises(NodeError, match=reason):
        neurons_of(make())


def test_every_neuron_of_the_package_is_taken_or_refused_by_name():
    plug = plug_in(neuron.IFNode())
    abstract = {"BaseNode", "SimpleBaseNode", "AdaptBaseNode", "NonSpikingBaseNode", "ILCBaseNode", "MPBNBaseNode"}
    abstract |= {"NoisyBaseNode", "NoisyILCBaseNode", "NoisyNonSpikingBaseNode", "FewSpikeTable"}
    kinds = {
        name for name, kind in vars(neuron).items() if isinstance(kind, type) and issubclass(kind, torch.nn.Module)
    }
    assert kinds - abstract <= set(plug.CLASSES)
