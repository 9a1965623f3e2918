"""The three losses of spike counts, on numbers worked out by hand, as gradients by spike times (dL/dt = -dL/ds)."""

import math

import pytest
import torch

from snn_deploy.train.losses import counting, enhanced_counting, spike_train_difference
from snn_deploy.train.networks.recording import Recording


def recorded(counts: list[int], steps: int = 12) -> tuple[Recording, torch.Tensor]:
    """One sample whose neurons fire in the first steps."""
    spikes = torch.zeros(steps, 1, len(counts))
    for i, count in enumerate(counts):
        spikes[:count, 0, i] = 1
    spikes.requires_grad_()
    return Recording((), spikes.cumsum(0)), spikes


def time_gradients(loss, counts: list[int]) -> list[torch.Tensor]:
    recording, spikes = recorded(counts)
    loss(recording, torch.tensor([0])).backward()
    return [-spikes.grad[: max(count, 0), 0, i] for i, count in enumerate(counts)]


def test_the_enhanced_loss_has_the_papers_values_and_linear_sums():
    loss = enhanced_counting.Loss(label_spikes=10, other_spikes=1)
    recording, _ = recorded([4, 3, 0])
    value = 4 - 10 * math.log(4) + 3 - math.log(3) + 0
    assert loss(recording, torch.tensor([0])).item() == pytest.approx(2 * value, rel=1e-5)
    assert 4 - 10 * math.log(4) == pytest.approx(-9.862944, abs=1e-6)
    label, other, silent = time_gradients(loss, [4, 3, 0])
    assert label.tolist() == pytest.approx([3.0] * 4)
    assert other.tolist() == pytest.approx([-4 / 3] * 3, rel=1e-5)
    assert len(silent) == 0


def test_the_counting_loss_has_a_sum_that_is_quadratic():
    label, other, _ = time_gradients(counting.Loss(label_spikes=10, other_spikes=1), [4, 3, 0])
    assert label.tolist() == pytest.approx([12.0] * 4)  # 2 (10 - 4), and 48 in sum
    assert other.tolist() == pytest.approx([-4.0] * 3)


def test_the_difference_loss_is_the_filtered_trains_apart():
    alpha = 0.5
    loss = spike_train_difference.Loss(alpha=alpha, every=2)
    steps = 6
    spikes = torch.tensor([[0.0, 1], [1, 0], [0, 0], [1, 0], [0, 1], [0, 0]])[:, None]
    expected, keep = 0.0, math.exp(-alpha)
    for i in range(2):
        filtered = 0.0
        for t in range(steps):
            target = 1.0 if i == 0 and t % 2 == 0 else 0.0
            filtered = keep * filtered + alpha * (float(spikes[t, 0, i]) - target)
            expected += filtered**2
    assert loss(Recording((), spikes.cumsum(0)), torch.tensor([0])).item() == pytest.approx(expected, rel=1e-5)
    dense, silent = time_gradients(spike_train_difference.Loss(), [2, 2])
    assert dense.min() > 0 > silent.max()  # too few spikes should come earlier, too many later
