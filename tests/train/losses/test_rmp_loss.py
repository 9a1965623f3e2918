import pytest
import torch

from snn_deploy.train.losses.rmp_loss import Loss
from snn_deploy.train.networks.recording import Recording, full_record, quantization_error

POTENTIALS = [-0.5, 0.0, 0.3, 0.5, 0.8, 1.4]


def _recording(potentials, epoch=5, epochs=10):
    spikes = (potentials >= 0.5).float()
    return Recording((full_record("l", potentials, spikes, 0.5),), torch.zeros(1, 1, 10), epoch, epochs)


def test_quantization_error_is_the_squared_distance_to_the_spike():
    potentials = torch.tensor([0.0, 0.3, 0.499, 0.5, 0.8, 1.4])
    expected = torch.tensor([0.0, 0.09, 0.249001, 0.25, 0.04, 0.16])
    torch.testing.assert_close(quantization_error((potentials >= 0.5).float(), potentials, 2.0), expected)


def test_exponent_1_gives_the_plain_distance():
    potentials = torch.tensor(POTENTIALS)
    expected = torch.tensor([0.5, 0.0, 0.3, 0.5, 0.2, 0.4])
    torch.testing.assert_close(quantization_error((potentials >= 0.5).float(), potentials, 1.0), expected)


def test_mean_and_gradient_are_those_computed_from_equation_10():
    potentials = torch.tensor(POTENTIALS, requires_grad=True)
    loss = Loss(weight=1.0)(_recording(potentials), torch.zeros(1))  # at half of the epochs the weight is the peak
    loss.backward()
    assert loss.item() == pytest.approx(0.131667, abs=1e-6)
    expected = torch.tensor([-0.16667, 0.0, 0.1, -0.16667, -0.06667, 0.13333])
    torch.testing.assert_close(potentials.grad, expected, atol=1e-5, rtol=0)


def test_any_exponent_gives_the_mean_of_its_powers_and_asks_for_the_potentials():
    potentials = torch.tensor(POTENTIALS, requires_grad=True)
    loss = Loss(weight=1.0, exponent=3.0)
    assert loss.needs_potentials
    assert not Loss().needs_potentials
    expected = sum(d**3 for d in (0.5, 0.0, 0.3, 0.5, 0.2, 0.4)) / 6
    assert loss(_recording(potentials), torch.zeros(1)).item() == pytest.approx(expected)


def test_weight_rises_to_the_peak_at_half_of_the_epochs_and_falls_to_zero():
    weights = [Loss().weight_in(n, 10) for n in range(1, 11)]
    assert weights == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.08, 0.06, 0.04, 0.02, 0.0])


def test_the_weight_falls_to_a_share_of_the_peak_where_that_is_asked_for():
    loss = Loss(end=0.5)
    assert [loss.weight_in(n, 10) for n in range(5, 11)] == pytest.approx([0.1, 0.09, 0.08, 0.07, 0.06, 0.05])
    assert (Loss().least_epochs, loss.least_epochs, loss.weight_in(1, 1)) == (2, 1, 0.05)


def test_every_neuron_of_every_layer_weighs_the_same():
    small, large = torch.full((1,), 0.3), torch.zeros(9)
    layers = tuple(full_record(n, u, torch.zeros_like(u), 0.5) for n, u in (("a", small), ("b", large)))
    loss = Loss(weight=1.0)(Recording(layers, torch.zeros(1, 1, 10), 1, 2), torch.zeros(1))
    assert loss.item() == pytest.approx(0.09 / 10)
