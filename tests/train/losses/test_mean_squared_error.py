"""The mean squared error of the output's potentials, where a value is asked for."""

import pytest
import torch

from snn_deploy.train.losses.mean_squared_error import Loss
from snn_deploy.train.networks.recording import Recording


def test_it_is_the_mean_over_what_is_asked_for_and_nothing_else_gets_a_gradient():
    output = torch.tensor(
        [[[1.0], [2.0]], [[4.0], [0.0]], [[9.0], [5.0]]], requires_grad=True
    )  # (steps, batch, values)
    nan = float("nan")
    labels = torch.tensor([[[nan], [1.0], [nan]], [[0.0], [nan], [7.0]]])  # (batch, steps, values)
    found = Loss(weight=2.0)(Recording((), output), labels)
    assert found.item() == pytest.approx(2 * (3.0**2 + 2.0**2 + 2.0**2) / 3)
    found.backward()
    expected = torch.tensor([[[0.0], [2.0]], [[3.0], [0.0]], [[0.0], [-2.0]]]) * 2 * 2 / 3
    torch.testing.assert_close(output.grad, expected)
