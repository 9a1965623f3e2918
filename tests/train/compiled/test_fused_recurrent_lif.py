import pytest
import torch

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.compiled.fused_recurrent_lif import FusedRecurrentLayer
from snn_deploy.train.layers.loop_synapses import LoopSynapses
from snn_deploy.train.networks.recording import full_record
from snn_deploy.train.neurons.lif import Neuron

BATCH = 9
DENSE = ((23,), (23, 23), {})
SHAPES = {
    "dense": DENSE,
    "convolution": ((3, 5, 6), (3, 3, 3, 3), {"padding": (1, 1)}),
    "along the width": ((4, 1, 9), (4, 4, 1, 5), {"padding": (0, 2)}),
    "dilated, in groups": ((4, 6, 5), (4, 2, 3, 3), {"padding": (2, 2), "dilation": (2, 2), "groups": 2}),
}


def _plain(layer, surrogate, currents, weights):
    sent, potentials, carried, delay = [], [], torch.zeros_like(currents[0]), layer.synapses.delay
    for t in range(layer.steps):
        total = currents[min(t, len(currents) - 1)]
        if t >= delay:
            total = total + layer.synapses.currents(sent[t - delay], weights)
        spikes, before_reset, carried = layer.neuron.step(total, carried, surrogate, layer.sharpness)
        sent.append(spikes)
        potentials.append(before_reset)
    spikes = torch.stack(sent)
    record = full_record("l", torch.stack(potentials), spikes, layer.neuron.threshold)
    return spikes, torch.stack([record.mean_potential, record.mean_error, record.mean_squared_error, record.spike_rate])


def _both(surrogate="dspike", *, neuron=None, steps=6, given=6, delay=1, kind=DENSE):
    """Return (spikes, statistics, gradients by currents and by weights) of the compiled and of the plain layer."""
    shape, weights_shape, geometry = kind
    generator = torch.Generator().manual_seed(8)
    currents = torch.randn(given, BATCH, *shape, generator=generator) * 0.5 + 0.1
    weights = torch.randn(weights_shape, generator=generator) * 0.3
    by_spikes = torch.randn(steps, BATCH, *shape, generator=generator)
    plugin = load_plugin("train.surrogates", surrogate)
    options, synapses = plugin.Surrogate(), LoopSynapses(delay, **geometry)
    layer = FusedRecurrentLayer(neuron or Neuron(), plugin.slope, options.sharpness(3, 10), steps, synapses)
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


@pytest.mark.parametrize("given", [1, 6])
@pytest.mark.parametrize("kind", [kind for name, kind in SHAPES.items() if name != "dense"], ids=list(SHAPES)[1:])
def test_so_have_maps_that_feed_themselves_through_a_convolution(kind, given):
    compiled, plain = _both(kind=kind, given=given)
    assert compiled[0].shape == (6, BATCH, *kind[0]) and plain[3].abs().max() > 1
    _assert_equal(compiled, plain)


def test_currents_whose_channels_lie_innermost_are_the_same_currents():
    shape, weights_shape, geometry = SHAPES["convolution"]
    currents = torch.randn(6, BATCH, *shape, generator=torch.Generator().manual_seed(1))
    weights = torch.randn(weights_shape, generator=torch.Generator().manual_seed(2)) * 0.3
    dspike = load_plugin("train.surrogates", "dspike")
    layer = FusedRecurrentLayer(Neuron(), dspike.slope, 3.0, 6, LoopSynapses(1, **geometry))
    last = currents.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, currents.shape[:2])
    assert last.stride() != currents.stride()
    assert torch.equal(layer.run(last, weights)[0], layer.run(currents, weights)[0])


@pytest.mark.parametrize("kind", [DENSE, SHAPES["convolution"]], ids=["dense", "convolution"])
@pytest.mark.parametrize("delay", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("neuron", [Neuron(), Neuron(0.875, 0.7, fires_at_threshold=False)], ids=["at", "above"])
def test_spikes_come_back_after_their_delay(delay, neuron, kind):
    compiled, plain = _both(delay=delay, neuron=neuron, kind=kind)
    assert (plain[3] != 0).any() == (delay < 6)
    _assert_equal(compiled, plain)


def test_the_same_pass_gives_the_same_bytes():
    first, second = _both()[0], _both()[0]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
