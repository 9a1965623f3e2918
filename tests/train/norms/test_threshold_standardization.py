"""The parameter updates of TB Eq. 19-20, and the weights of Eq. 15."""

import math

import pytest
import torch

from snn_deploy.train.norms import threshold_standardization


def test_the_updates_are_those_of_equations_19_and_20():
    norm = threshold_standardization.Norm(scale=2.0, epsilon=1e-12).build(1, 1.0)
    with torch.no_grad():
        norm.shift.fill_(0.4)
    # Standardized, [-1, 1] stays; dW that give dgamma = -a + b = .1 and dbeta = a + b = .02, in 1 / sqrt(2).
    weights = torch.tensor([[-1.0, 1.0]], requires_grad=True)
    shaped = norm.effective_weights(weights)
    torch.testing.assert_close(shaped, torch.tensor([[-2 + 0.4, 2 + 0.4]]) / math.sqrt(2))
    shaped.backward(torch.tensor([[-0.04, 0.06]]) * math.sqrt(2))
    assert norm.threshold.grad.item() == pytest.approx(-0.05)
    assert norm.shift.grad.item() == pytest.approx(0.0, abs=1e-7)


def test_a_step_of_the_threshold_is_the_step_of_the_scale_it_stands_for():
    """gamma - eta dgamma with threshold 1 fires as gamma_0 with gamma_0 / gamma: the same up to eta squared."""
    eta, dgamma, gamma = 1e-3, 0.1, 2.0
    norm = threshold_standardization.Norm(scale=gamma).build(1, 1.0)
    norm.threshold.grad = torch.tensor([-1.0 / gamma * dgamma])
    torch.optim.SGD([norm.threshold], lr=eta).step()
    assert norm.thresholds.item() == pytest.approx(gamma / (gamma - eta * dgamma), abs=1e-7)


def test_thresholds_stay_above_zero():
    norm = threshold_standardization.Norm().build(3, 1.0)
    with torch.no_grad():
        norm.threshold.fill_(-2.0)
    assert (norm.thresholds > 0).all()
