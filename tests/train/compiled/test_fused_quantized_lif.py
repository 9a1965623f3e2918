import numpy as np
import pytest
import torch
from torch.nn import functional

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.compiled.fused_quantized_lif import FusedQuantizedLayer
from snn_deploy.train.networks.quantized_pass import _QuantizedLif
from snn_deploy.train.networks.recording import full_record
from snn_deploy.train.neurons.lif import Neuron

PLANES, INNERMOST = torch.contiguous_format, torch.channels_last
SHAPES = [(4, 3, 5, 8, 6), (1, 3, 5, 8, 6), (4, 6, 7), (1, 6, 7)]


def _currents(shape, layout, largest):
    """Return whole currents, and for each channel its unit and a threshold that a few spikes in a hundred reach."""
    generator = torch.Generator().manual_seed(3)
    channels = shape[2]
    sizes = torch.linspace(0.3, 1, channels).reshape(-1, *[1] * (len(shape) - 3)) * largest
    currents = ((torch.rand(shape, generator=generator) * 1.5 - 0.7) * sizes).round()
    if currents.ndim == 5:
        currents = currents.flatten(0, 1).contiguous(memory_format=layout).unflatten(0, shape[:2])
    thresholds = (sizes.flatten() * 0.45).long().numpy()
    return currents, 0.5 / (thresholds + 1 / 128), thresholds


def _outputs(currents, units, thresholds, neuron, surrogate, steps, pool, *, is_compiled, learns=True):
    plugin = load_plugin("train.surrogates", surrogate)
    leaf = currents.clone().requires_grad_()
    keep = torch.tensor(neuron.voltage_keep, requires_grad=learns)
    if is_compiled:
        layer = FusedQuantizedLayer(neuron, plugin.slope, 3.0, steps, units, thresholds, pool, keep if learns else None)
        counts, means = layer.run(leaf)
    else:
        per_channel = (-1, *[1] * (currents.ndim - 3))
        constants = [torch.from_numpy(v).reshape(per_channel) for v in (units, thresholds)]
        every_step = leaf.expand(steps, *leaf.shape[1:])
        spikes, potentials = _QuantizedLif.apply(every_step, *constants, neuron, plugin.Surrogate(), 3.0, keep)
        record = full_record("l", potentials, spikes, neuron.threshold)
        means = torch.stack([record.mean_potential, record.mean_error, record.mean_squared_error, record.spike_rate])
        counts = spikes
        if pool > 1:
            folded = functional.avg_pool2d(spikes.flatten(0, 1), pool, divisor_override=1)
            counts = folded.unflatten(0, spikes.shape[:2])
    by_counts = torch.randn(counts.shape, generator=torch.Generator().manual_seed(4))
    loss = (counts * by_counts).sum() + counts.numel() * (means * torch.tensor([0.5, 0.3, -0.7, 0.4])).sum()
    loss.backward()
    return counts.detach(), means.detach(), leaf.grad, keep.grad


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", [PLANES, INNERMOST])
@pytest.mark.parametrize("keep", [1 / 4096, 0.25, 2745 / 4096, 1.0])
@pytest.mark.parametrize("largest", [60, 90000])  # states of 12 bits, and of nearly 24
def test_compiled_integer_neurons_fire_exactly_the_plain_ones_spikes(shape, layout, keep, largest):
    currents, units, thresholds = _currents(shape, layout, largest)
    for pool in [1, 2, 3, 4] if len(shape) == 5 else [1]:
        neuron = Neuron(keep, 0.5)
        compiled, plain = (
            _outputs(currents, units, thresholds, neuron, "rectangle", 4, pool, is_compiled=c) for c in (True, False)
        )
        assert 0.02 < plain[0].mean() / pool**2 < 0.9
        assert torch.equal(compiled[0], plain[0])
        torch.testing.assert_close(compiled[1], plain[1], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(compiled[2], plain[2], rtol=1e-5, atol=1e-6 * plain[2].abs().max())
        torch.testing.assert_close(compiled[3], plain[3], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("surrogate", plugin_names("train.surrogates"))
@pytest.mark.parametrize("shape", SHAPES)
def test_their_gradients_are_the_plain_ones_to_the_rounding_of_the_surrogate(surrogate, shape):
    currents, units, thresholds = _currents(shape, PLANES, 80)
    compiled, plain = (
        _outputs(currents, units, thresholds, Neuron(0.375), surrogate, 4, 1, is_compiled=c) for c in (True, False)
    )
    assert torch.equal(compiled[0], plain[0]) and abs(plain[3]) > 0.1
    torch.testing.assert_close(compiled[2], plain[2], rtol=2e-4, atol=2e-5 * plain[2].abs().max())
    torch.testing.assert_close(compiled[3], plain[3], rtol=1e-4, atol=1e-4)


def test_a_leak_that_is_not_learned_gets_no_gradient_and_changes_none():
    currents, units, thresholds = _currents((4, 3, 5, 8, 6), PLANES, 80)
    found = [
        _outputs(currents, units, thresholds, Neuron(), "dspike", 4, 2, is_compiled=True, learns=learns)
        for learns in (True, False)
    ]
    assert torch.equal(found[0][2], found[1][2]) and found[1][3] is None


def test_several_threads_give_the_same_spikes_and_gradients_and_nearly_the_same_sums():
    before = torch.get_num_threads()
    currents, units, thresholds = _currents((4, 7, 3, 8, 8), PLANES, 80)
    found = []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            found.append(_outputs(currents, units, thresholds, Neuron(), "dspike", 4, 2, is_compiled=True))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[1][3], found[2][3])
    torch.testing.assert_close(found[0][2], found[1][2], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[0][3], found[1][3], rtol=1e-5, atol=1e-6)


def test_a_state_at_the_threshold_is_silent_and_one_state_unit_above_fires():
    # 3 * 64 decays to a quarter, 48, and meets the threshold of 5 * 64 with 272 / 64 = 4.25 more.
    currents = torch.tensor([[3.0, 3.0], [4.0, 5.0]]).reshape(2, 1, 1, 1, 2)
    slope = load_plugin("train.surrogates", "rectangle").slope
    layer = FusedQuantizedLayer(Neuron(0.25, 0.5), slope, 1.0, 2, np.array([0.1]), np.array([5]))
    assert layer.run(currents)[0].flatten().tolist() == [0, 0, 0, 1]  # 304 and 368 of 320
    layer = FusedQuantizedLayer(Neuron(0.25, 0.5), slope, 1.0, 1, np.array([0.1]), np.array([5]))
    exactly = torch.tensor([5.0, 6.0]).reshape(1, 1, 1, 1, 2)
    assert layer.run(exactly)[0].flatten().tolist() == [0, 1]
