"""What a layer brings to itself is scaled to a share of the threshold."""

import pytest
import torch

from snn_deploy.train.layers.feedback_norm import FeedbackNorm
from snn_deploy.train.layers.loop_synapses import LoopSynapses

STEPS, SHARE = 4000, 0.3


def settled(weights, spikes, padding=(0, 0)):
    """Return the norm after `spikes`, (steps, *shape), as one batch, and the root mean squares that it then makes."""
    norm, synapses = FeedbackNorm(SHARE, 0.1, len(weights)), LoopSynapses(1, padding)
    norm.observe_feedback(synapses.currents(spikes, weights), weights)
    currents = synapses.currents(spikes, norm.effective_weights(weights).detach())
    return norm, currents.square().mean([0, *range(2, currents.ndim)]).sqrt()


@pytest.mark.parametrize("shape", [(40, 40), (6, 6, 3, 3), (5, 5, 1, 3)], ids=["dense", "convolution", "width"])
def test_the_same_spikes_bring_the_share_that_was_asked_for(shape):
    generator = torch.Generator().manual_seed(3)
    channels, _, *kernel = shape
    size = (channels, 7, 7)[: 1 + len(kernel)]
    shared = torch.rand(STEPS, *[1] * len(size), generator=generator)  # spikes of a step are anything but independent
    spikes = (torch.rand(STEPS, *size, generator=generator) < shared).float()
    sizes = torch.linspace(0.1, 9, channels).reshape(-1, *[1] * len(shape[1:]))
    weights = torch.randn(shape, generator=generator) * sizes
    norm, found = settled(weights, spikes, tuple(side // 2 for side in kernel) or (0, 0))
    torch.testing.assert_close(found, torch.full((channels,), SHARE), rtol=1e-4, atol=0)
    directions = [torch.nn.functional.normalize(w.flatten(1)) for w in (norm.effective_weights(weights), weights)]
    torch.testing.assert_close(*directions)


def test_independent_spikes_through_weights_around_0_count_as_their_rate():
    generator = torch.Generator().manual_seed(6)
    spikes, weights = (
        (torch.rand(STEPS, 60, generator=generator) < 0.2).float(),
        torch.randn(60, 60, generator=generator),
    )
    norm, _ = settled(weights - weights.mean(1, keepdim=True), spikes)
    assert norm.mean_square_per_weight.mean().item() == pytest.approx(0.2 * 0.8, rel=0.02)


def test_the_first_batch_counts_in_full_and_later_ones_by_their_momentum():
    norm = FeedbackNorm(SHARE, 0.25, 2)
    norm.observe_feedback(torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 1.0], [2.0, 2.0]]))
    assert norm.mean_square_per_weight.tolist() == [0.5, 0.125]
    norm.observe_feedback(torch.zeros(1, 2), torch.ones(2, 2))
    left = 0.75 * 0.25 / (1 - 0.75**2)  # as Adam corrects: the share of the first batch in all that there is
    assert norm.mean_square_per_weight.tolist() == pytest.approx([0.5 * left, 0.125 * left])


def test_the_length_of_weights_changes_nothing_and_gets_no_gradient():
    generator = torch.Generator().manual_seed(4)
    weights = torch.randn(5, 5, generator=generator).requires_grad_()
    norm = FeedbackNorm(SHARE, 0.1, 5)
    longer = norm.effective_weights(weights * 7)
    torch.testing.assert_close(longer, norm.effective_weights(weights))
    (longer * torch.randn(5, 5, generator=generator)).sum().backward()
    assert weights.grad.norm() > 0.01
    torch.testing.assert_close((weights.grad * weights).sum(1), torch.zeros(5), rtol=0, atol=1e-6)


def test_weights_of_0_and_silent_neurons_leave_everything_finite():
    norm, found = settled(torch.zeros(3, 3), torch.zeros(4, 3))
    assert found.tolist() == [0.0] * 3
    weights = torch.ones(3, 3, requires_grad=True)
    norm.effective_weights(weights).sum().backward()
    assert norm.effective_weights(weights).abs().max() < 10 * SHARE and weights.grad.isfinite().all()


def test_a_rescaled_norm_gives_as_much_more():
    norm = FeedbackNorm(SHARE, 0.1, 3)
    weights = torch.randn(3, 3, generator=torch.Generator().manual_seed(5))
    before = norm.effective_weights(weights)
    norm.rescale(weights, arriving=2.0, leaving=6.0)
    torch.testing.assert_close(norm.effective_weights(weights), 3 * before)
