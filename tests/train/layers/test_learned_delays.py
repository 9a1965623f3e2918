"""Delays in training and in inference, against shifts that are written out."""

import numpy as np
import pytest
import torch

from snn_deploy.train.layers.learned_delays import LearnedDelays

STEPS, BATCH, MOST = 9, 3, 4


def delays(outputs, inputs, seed=0):
    return LearnedDelays(outputs, inputs, MOST, torch.Generator().manual_seed(seed))


def values(*shape):
    return torch.rand(STEPS, BATCH, *shape, generator=torch.Generator().manual_seed(1))


def arrived(kernel, sent):
    """Return (steps, ...): what arrives of `sent`, of which kernel[d] arrives after d steps."""
    found = torch.zeros_like(sent)
    for d, share in enumerate(kernel):
        found[d:] += share * sent[: len(sent) - d]
    return found


@pytest.mark.parametrize("width", [0.0, 0.5, 2.0])
def test_a_spike_arrives_whole_around_its_delay(width):
    kernel = delays(5, 7).kernel(width).detach()
    assert kernel.shape == (5, 7, MOST + 1)
    torch.testing.assert_close(kernel.sum(2), torch.ones(5, 7))
    steps = delays(5, 7).steps.detach()
    assert (kernel.argmax(2) - steps).abs().max() <= 0.5 + 1e-6
    if width == 0:
        assert ((kernel == 0) | (kernel == 1)).all()


@pytest.mark.parametrize("width", [0.0, 0.7])
@pytest.mark.parametrize("shape", [(6,), (6, 2, 3)])
def test_axonal_delays_shift_each_channel(width, shape):
    module, sent = delays(1, 6), values(*shape)
    found = module.delayed(sent, width)
    kernel = module.kernel(width)[0]
    for channel in range(6):
        torch.testing.assert_close(found[:, :, channel], arrived(kernel[channel], sent[:, :, channel]))


@pytest.mark.parametrize("width", [0.0, 0.7])
def test_synaptic_delays_shift_each_synapse(width):
    module, sent = delays(2, 6), values(6)
    weights = torch.randn(2, 6, generator=torch.Generator().manual_seed(2))
    found, kernel = module.currents(sent, weights, width), module.kernel(width)
    for output in range(2):
        parts = [weights[output, i] * arrived(kernel[output, i], sent[:, :, i]) for i in range(6)]
        torch.testing.assert_close(found[:, :, output], torch.stack(parts).sum(0))


def test_the_gradient_moves_a_delay_to_where_its_spikes_are_wanted():
    module = delays(1, 1)
    with torch.no_grad():
        module.steps.fill_(3.4)
    sent = torch.zeros(STEPS, 1, 1)
    sent[2] = 1
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    for width in np.geomspace(2.0, 0.5, 60):
        optimizer.zero_grad()
        (module.delayed(sent, float(width)) - sent.roll(1, 0)).square().sum().backward()
        optimizer.step()
    assert int(module.whole) == 1


def test_delays_stay_within_what_a_chip_has():
    module = delays(1, 3)
    with torch.no_grad():
        module.steps[:] = torch.tensor([-3.0, 2.5, 99.0])
    assert module.whole.tolist() == [[0, 2, MOST]]
    module.kernel(1.0)
    assert module.steps.tolist() == [[0.0, 2.5, float(MOST)]]
