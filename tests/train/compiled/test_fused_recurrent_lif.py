import pytest
import torch
from torch.nn import functional

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.compiled.fused_recurrent_lif import FusedRecurrentLayer
from snn_deploy.train.networks.recording import full_record
from snn_deploy.train.neurons.lif import Neuron

BATCH, NEURONS = 9, 23


def _plain(layer, surrogate, currents, weights):
    sent, potentials, carried = [], [], torch.zeros(BATCH, NEURONS)
    for t in range(layer.steps):
        total = currents[min(t, len(currents) - 1)]
        if t >= layer.delay:
            total = total + functional.linear(sent[t - layer.delay], weights)
        spikes, before_reset, carried = layer.neuron.step(total, carried, surrogate, layer.sharpness)
        sent.append(spikes)
        potentials.append(before_reset)
    spikes = torch.stack(sent)
    record = full_record("l", torch.stack(potentials), spikes, layer.neuron.threshold)
    return spikes, torch.stack([record.mean_potential, record.mean_error, record.mean_squared_error, record.spike_rate])


def _both(surrogate="dspike", *, neuron=None, steps=6, given=6, delay=1):
    """Return (spikes, statistics, gradients by currents and by weights) of the compiled and of the plain layer."""
    generator = torch.Generator().manual_seed(8)
    currents = torch.randn(given, BATCH, NEURONS, generator=generator) * 0.5 + 0.1
    weights = torch.randn(NEURONS, NEURONS, generator=generator) * 0.3
    by_spikes = torch.randn(steps, BATCH, NEURONS, generator=generator)
    plugin = load_plugin("train.surrogates", surrogate)
    options = plugin.Surrogate()
    layer = FusedRecurrentLayer(neuron or Neuron(), plugin.slope, options.sharpness(3, 10), steps, delay)
    found = []
    for is_compiled in (True, False):
        leaves = currents.clone().requires_grad_(), weights.clone().requires_grad_()
        spikes, statistics = layer.run(*leaves) if is_compiled else _plain(layer, options, *leaves)
        loss = (spikes * by_spikes).sum() + by_spikes.numel() * (statistics * torch.tensor([0.5, 0.3, -0.7, 0.4])).sum()
        by_currents, by_weights = torch.autograd.grad(loss, leaves, allow_unused=True)
        by_weights = torch.zeros_like(weights) if by_weights is None else by_weights  # no spike came back in time
        found.append((spikes.detach(), statistics.detach(), by_currents, by_weights))
    return found


def _assert_equal(compiled, plain):
    assert 0.05 < plain[0].mean() < 0.8
    assert torch.equal(compiled[0], plain[0])
    torch.testing.assert_close(compiled[1], plain[1], rtol=1e-5, atol=1e-6)
    # The compiled surrogates round otherwise, and the sums over the steps have another order.
    torch.testing.assert_close(compiled[2], plain[2], rtol=2e-4, atol=2e-5 * plain[2].abs().max())
    torch.testing.assert_close(compiled[3], plain[3], rtol=2e-4, atol=2e-5 * plain[3].abs().max().clamp(min=1))


@pytest.mark.parametrize("surrogate", plugin_names("train.surrogates"))
@pytest.mark.parametrize("given", [1, 6])
def test_compiled_and_plain_loops_have_the_same_spikes_and_gradients(surrogate, given):
    compiled, plain = _both(surrogate, given=given)
    assert plain[3].abs().max() > 1
    _assert_equal(compiled, plain)


@pytest.mark.parametrize("delay", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("neuron", [Neuron(), Neuron(0.875, 0.7, fires_at_threshold=False)], ids=["at", "above"])
def test_spikes_come_back_after_their_delay(delay, neuron):
    compiled, plain = _both(delay=delay, neuron=neuron)
    assert (plain[3] != 0).any() == (delay < 6)
    _assert_equal(compiled, plain)


def test_the_same_pass_gives_the_same_bytes():
    first, second = _both()[0], _both()[0]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
