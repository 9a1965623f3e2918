"""What a layer brings to itself is scaled to a share of the threshold."""

import pytest
import torch

from snn_deploy.train.layers.feedback_norm import FeedbackNorm
from snn_deploy.train.layers.loop_synapses import LoopSynapses

STEPS, SHARE = 4000, 0.3


def settled(weights, spikes, momentum=0.1):
    """Return the norm after `spikes`, (steps, *shape), have been heard as one batch, and what it makes of `weights`."""
    norm = FeedbackNorm(SHARE, momentum, len(weights))
    norm.observe_inputs(spikes.mean([0, *range(2, spikes.ndim)]))
    return norm, norm.effective_weights(weights).detach()


@pytest.mark.parametrize("shape", [(40, 40), (6, 6, 3, 3), (5, 5, 1, 3)], ids=["dense", "convolution", "width"])
def test_independent_spikes_bring_the_share_that_was_asked_for(shape):
    generator = torch.Generator().manual_seed(3)
    channels, _, *kernel = shape
    rates = torch.rand(channels, *[1] * len(kernel), generator=generator) * 0.5 + 0.02
    size = (channels, 7, 7)[: 1 + len(kernel)]
    spikes = (torch.rand(STEPS, *size, generator=generator) < rates).float()
    weights = torch.randn(shape, generator=generator) * torch.linspace(0.1, 9, channels).reshape(
        -1, *[1] * len(shape[1:])
    )
    _, scaled = settled(weights, spikes)
    currents = LoopSynapses(1).currents(spikes, scaled)  # without padding: at a border fewer spikes arrive
    found = currents.square().mean([0, *range(2, currents.ndim)]).sqrt()
    torch.testing.assert_close(found, torch.full((channels,), SHARE), rtol=0.05, atol=0)
    directions = [torch.nn.functional.normalize(w.flatten(1)) for w in (scaled, weights)]
    torch.testing.assert_close(*directions)


def test_the_first_batch_counts_in_full_and_later_ones_by_their_momentum():
    norm = FeedbackNorm(SHARE, 0.25, 2)
    norm.observe_inputs(torch.tensor([0.5, 0.125]))
    assert norm.rates.tolist() == [0.5, 0.125]
    norm.observe_inputs(torch.tensor([0.0, 0.0]))
    expected = 0.75 * 0.25 / (1 - 0.75**2)  # of Adam's correction: 0.75 * 0.25 of the first, over all there is
    torch.testing.assert_close(norm.rates, torch.tensor([0.5, 0.125], dtype=torch.float64) * expected)


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
    norm, scaled = settled(torch.zeros(3, 3), torch.zeros(4, 3))
    assert scaled.tolist() == [[0.0] * 3] * 3
    weights = torch.ones(3, 3, requires_grad=True)
    norm.effective_weights(weights).sum().backward()
    assert norm.effective_weights(weights).abs().max() < 10 * SHARE and weights.grad.isfinite().all()


def test_a_rescaled_norm_gives_as_much_more():
    norm = FeedbackNorm(SHARE, 0.1, 3)
    weights = torch.randn(3, 3, generator=torch.Generator().manual_seed(5))
    before = norm.effective_weights(weights)
    norm.rescale(weights, arriving=2.0, leaving=6.0)
    torch.testing.assert_close(norm.effective_weights(weights), 3 * before)
