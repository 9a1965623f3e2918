import pytest
import torch

from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.run.finite_difference import best_sharpness, finite_difference_gradient
from snn_deploy.train.run.loop import Watcher, train


def test_on_a_quadratic_it_is_the_true_gradient_at_any_step_and_leaves_the_weights_as_they_were():
    weights = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    before = weights.clone()
    chosen = torch.tensor([0, 1, 3])
    found = finite_difference_gradient(lambda: (weights**2).sum().item(), weights, chosen, 0.1)
    torch.testing.assert_close(found, torch.tensor([2.0, -4.0, 6.0], dtype=torch.float64), atol=1e-4, rtol=0)
    assert torch.equal(weights, before)


def test_on_a_step_it_sees_what_the_derivative_does_not():
    weights = torch.tensor([0.45])
    found = finite_difference_gradient(lambda: float(weights.item() >= 0.5), weights, torch.tensor([0]), 0.1)
    assert found.item() == pytest.approx(1 / 0.2)


def test_the_sharpness_whose_gradient_points_the_same_way_is_chosen():
    gradients = {
        1.0: torch.tensor([1.0, 2.0, 2.0]),
        1.2: torch.tensor([2.0, 0.0, 1.0]),
        0.8: torch.tensor([0.0, 1.0, 0.0]),
    }
    difference = torch.tensor([4.0, 0.0, 2.0], dtype=torch.float64)
    assert best_sharpness([1.0, 1.2, 0.8], gradients.__getitem__, difference) == 1.2
    cosine = torch.nn.functional.cosine_similarity(gradients[1.0], gradients[1.2], dim=0)
    assert cosine.item() == pytest.approx(0.596285, abs=1e-6)


def test_the_temperature_moves_by_its_step_and_interval_and_is_written_to_the_metrics(tmp_path):
    table = {
        "data": {"name": "digits"},
        "model": {"layers": "4C3-P2-10"},
        "surrogate": {"name": "adaptive_dspike", "interval": 2, "weights": 8, "step": 0.5, "temperature": 2.0},
        "training": {"epochs": 4, "samples": 256, "batch_size": 64, "threads": 1, "measured_samples": 0},
        "optimizer": {"learning_rate": 0.05},
    }
    lines = []

    train(resolved_config(table, "test"), tmp_path, Watcher(epoch=lines.append))
    sharpness = [line["sharpness"] for line in lines]
    assert abs(sharpness[0] - 2.0) in (0.0, 0.5)
    assert sharpness[1] == sharpness[0]
    assert abs(sharpness[2] - sharpness[1]) in (0.0, 0.5)
    assert sharpness[3] == sharpness[2]
    assert [(line["probed_weights"], line["first_weights"]) for line in lines] == [(8, 36)] * 4  # said in the log
    assert len(set(sharpness)) > 1, "on these data the gradients differ enough for the temperature to move"
