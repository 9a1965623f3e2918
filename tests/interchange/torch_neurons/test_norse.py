"""Norse's neurons and the populations made of them fire the same spikes, in double precision."""

import pytest
import torch
from helpers.network_of_neurons import Drive, image, neurons_of, require_equal, vector

from snn_deploy.interchange.linear.operations import NodeError

norse = pytest.importorskip("norse.torch", reason="norse is not installed (the group dev has it)")
reset = pytest.importorskip("norse.torch.functional.reset")


def tensors(**fields):
    return {name: torch.as_tensor(value) for name, value in fields.items()}


LIF = [
    tensors(tau_mem_inv=300.0, tau_syn_inv=600.0),
    tensors(tau_mem_inv=300.0, tau_syn_inv=1000.0, v_reset=-0.5, v_th=0.4),
    tensors(tau_mem_inv=300.0, tau_syn_inv=800.0, v_leak=0.3, v_reset=0.1),
    tensors(
        tau_mem_inv=[100.0, 200.0, 300.0, 400.0, 500.0, 1000.0], tau_syn_inv=700.0, v_th=[0.3, 0.5, 0.6, 0.7, 1, 1]
    ),
]


@pytest.mark.parametrize("fields", LIF)
def test_leaky_neurons_that_take_one_step(fields):
    require_equal(norse.LIFCell(norse.LIFParameters(**fields)), vector(), passes="tuple")


@pytest.mark.parametrize("fields", LIF)
def test_leaky_neurons_that_take_all_steps(fields):
    require_equal(norse.LIF(norse.LIFParameters(**fields)), vector(), "first")


def test_leaky_neurons_of_another_time_step_method_and_shape():
    parameters = norse.LIFParameters(v_th=torch.as_tensor(0.3), method="tanh")
    require_equal(norse.LIFCell(parameters, dt=0.003), image(), passes="tuple")
    require_equal(norse.LIF(parameters, dt=0.003, record_states=True), image(), "first")


@pytest.mark.parametrize(
    "fields",
    [
        tensors(tau_mem_inv=500.0, v_th=0.6),
        tensors(tau_mem_inv=500.0, v_th=0.6, v_leak=0.2, v_reset=-0.3),
        tensors(tau_mem_inv=1000.0, v_th=0.8),
        tensors(tau_mem_inv=400.0, v_th=0.5, v_leak=0.2) | {"reset_method": reset.reset_subtract},
    ],
)
def test_box_neurons(fields):
    require_equal(norse.LIFBoxCell(norse.LIFBoxParameters(**fields)), vector(), passes="tuple")


@pytest.mark.parametrize("fields", [tensors(v_th=2.0), tensors(v_th=1.5, v_reset=-0.5)])
def test_integrate_and_fire_neurons(fields):
    require_equal(norse.IAFCell(norse.IAFParameters(**fields)), vector(), passes="tuple")
    require_equal(norse.IAF(norse.IAFParameters(**fields)), vector(), "first")


@pytest.mark.parametrize("fields", [tensors(), tensors(tau_mem_inv=300.0, tau_syn_inv=900.0, v_leak=0.3)])
def test_integrators_show_their_potential(fields):
    found = require_equal(norse.LICell(norse.LIParameters(**fields)), vector(), passes="tuple")
    assert not found.fires
    require_equal(norse.LI(norse.LIParameters(**fields)), vector(), "first")
    fields.pop("tau_syn_inv", None)
    require_equal(norse.LIBoxCell(norse.LIBoxParameters(**fields)), vector(), passes="tuple")


def with_weights(module, drive):
    """Give `module` the weights of `drive`, and settled recurrent ones."""
    torch.manual_seed(3)
    with torch.no_grad():
        module.double()
        module.input_weights.copy_(torch.tensor(drive.weights))
        if hasattr(module, "recurrent_weights"):
            module.recurrent_weights.normal_(0.0, 0.6)
    return module


def test_input_weights_inside_of_the_neurons_are_applied_before_them():
    drive = vector()
    pixels = torch.tensor(drive.frames / 255)
    parameters = norse.LIFParameters(**LIF[0])
    for kind, time in (("LIFRecurrentCell", "none"), ("LIFRecurrent", "first")):
        module = with_weights(getattr(norse, kind)(9, 6, p=parameters), drive)
        found = require_equal(module, drive, time, passes="tuple", currents=pixels)
        assert found.recurrent is not None
    module = with_weights(norse.LILinearCell(9, 6, norse.LIParameters()), drive)
    require_equal(module, drive, passes="tuple", currents=pixels)


def test_recurrent_neurons_to_themselves():
    drive = Drive(vector().weights)
    module = norse.LIFRecurrentCell(9, 6, p=norse.LIFParameters(**LIF[1]), autapses=True)
    found = require_equal(with_weights(module, drive), drive, passes="tuple", currents=torch.tensor(drive.frames / 255))
    assert found.recurrent.weights.diagonal().all()


def box(**fields):
    return norse.LIFBoxCell(norse.LIFBoxParameters(**fields))


REFUSED = [
    (lambda: norse.LIFCell(norse.LIFParameters(), dt=0.02), "dt \\* tau_syn_inv leaves -3"),
    (
        lambda: norse.LIFCell(norse.LIFParameters(tau_mem_inv=torch.as_tensor(2000.0))),
        "dt \\* tau_mem_inv leaves -1",
    ),
    (lambda: box(reset_method=torch.lerp), "reset_method lerp; allowed are reset_value and reset_subtract"),
    (norse.LIFRefracCell, r"refractory"),
    (norse.LIFAdExCell, "grows exponentially"),
    (norse.LIFExCell, "grows exponentially"),
    (norse.LSNNCell, "adaptation"),
    (lambda: norse.CobaLIFCell(2, 3), "conductances"),
    (lambda: norse.LIFMCRecurrentCell(2, 3), "several compartments"),
    (lambda: norse.LIFCorrelation(2, 3), "weights change while it runs"),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_is_no_population_is_refused(make, reason):
    with pytest.raises(NodeError, match=reason):
        neurons_of(make())


def test_izhikevich_neurons_are_refused():
    from norse.torch.functional.izhikevich import tonic_spiking  # noqa: PLC0415

    with pytest.raises(NodeError, match="follows a curve"):
        neurons_of(norse.IzhikevichCell(tonic_spiking))
