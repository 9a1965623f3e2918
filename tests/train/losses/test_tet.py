"""TET on numbers worked out by hand, and against the cross entropy of the last step."""

import math

import pytest
import torch

from snn_deploy.train.losses import cross_entropy, tet
from snn_deploy.train.networks.recording import Recording


def recorded(steps: list[list[list[float]]]) -> tuple[Recording, torch.Tensor]:
    """Return the recording of what arrives at the output neurons, (steps, batch, classes), and those currents."""
    currents = torch.tensor(steps, requires_grad=True)
    return Recording((), currents.cumsum(0)), currents


def test_it_is_the_mean_over_steps_of_the_cross_entropy_of_each():
    recording, _ = recorded([[[1.0, 0.0]], [[0.0, 0.5]]])  # times the two steps: 2, 0 and 0, 1
    by_hand = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2
    assert tet.Loss()(recording, torch.tensor([0])).item() == pytest.approx(by_hand, rel=1e-6)
    assert tet.Loss(weight=3.0)(recording, torch.tensor([0])).item() == pytest.approx(3 * by_hand, rel=1e-6)


def test_regularization_is_the_squared_distance_from_its_target():
    recording, _ = recorded([[[1.0, 0.0]], [[0.0, 0.5]]])
    plain = tet.Loss()(recording, torch.tensor([0])).item()
    found = tet.Loss(regularization=0.25, target=1.0)(recording, torch.tensor([0])).item()
    assert found == pytest.approx(0.75 * plain + 0.25 * (1 + 1 + 1 + 0) / 4, rel=1e-6)


def test_the_cross_entropy_of_the_sum_is_never_above_it_and_equal_where_all_steps_are():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 5, (30,), generator=generator)
    for _ in range(20):
        currents = torch.randn(4, 30, 5, generator=generator)
        recording = Recording((), currents.cumsum(0))
        assert cross_entropy.Loss()(recording, labels) < tet.Loss()(recording, labels)
    same = Recording((), torch.randn(30, 5, generator=generator).expand(4, 30, 5).cumsum(0))
    assert tet.Loss()(same, labels).item() == pytest.approx(cross_entropy.Loss()(same, labels).item(), rel=1e-5)


def test_a_step_that_is_wrong_is_pulled_although_the_sum_is_right():
    right, wrong = [[20.0, -20.0]], [[-3.0, 3.0]]
    recording, currents = recorded([right, wrong])
    tet.Loss()(recording, torch.tensor([0])).backward()
    assert currents.grad[1, 0, 0] < -0.4
    recording, currents = recorded([right, wrong])
    cross_entropy.Loss()(recording, torch.tensor([0])).backward()
    assert abs(currents.grad[1, 0, 0]) < 1e-6
