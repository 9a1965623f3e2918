import pytest
import torch
from torch.nn import functional

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.compiled.fused_lif import FusedLayer
from snn_deploy.train.networks.recording import full_record
from snn_deploy.train.neurons.lif import Neuron

NORMS, SURROGATES = plugin_names("train.norms"), plugin_names("train.surrogates")


def _plain(currents, norm, neuron, surrogate, sharpness, steps, pool, keep):
    normalized = norm(currents.flatten(0, 1)).unflatten(0, currents.shape[:2]).expand(steps, *currents.shape[1:])
    spikes, potentials = neuron.run(normalized, surrogate, sharpness, keep)
    record = full_record("l", potentials, spikes, neuron.threshold)
    if pool > 1:
        spikes = functional.avg_pool2d(spikes.flatten(0, 1), pool).unflatten(0, (steps, currents.shape[1]))
    statistics = [record.mean_potential, record.mean_error, record.mean_squared_error, record.spike_rate]
    return spikes, torch.stack(statistics)


def _both(
    shape,
    *,
    norm="centered_tdbn",
    surrogate="dspike",
    neuron=None,
    steps=4,
    pool=1,
    seed=0,
    training=True,
    layout=None,
    keep=None,
):
    """Return the outputs and gradients of the compiled and the plain path on the same currents."""
    generator = torch.Generator().manual_seed(seed)
    neuron = neuron or Neuron()
    currents = torch.randn(shape, generator=generator) * 0.8 + 0.1
    if layout is not None:
        currents = currents.flatten(0, 1).contiguous(memory_format=layout).unflatten(0, shape[:2])
    by_spikes = torch.randn(10**6, generator=generator)
    results = []
    for compiled in (True, False):
        plugin = load_plugin("train.surrogates", surrogate)
        options = plugin.Surrogate()
        sharpness = options.sharpness(3, 10)
        module = load_plugin("train.norms", norm).Norm().build(shape[2], neuron.threshold).train(training)
        leaf = currents.clone().requires_grad_()
        learned = None if keep is None else torch.tensor(keep, requires_grad=True)
        if compiled:
            layer = FusedLayer(module, neuron, plugin.slope, sharpness, steps, pool, learned)
            spikes, statistics = layer.run(leaf)
        else:
            spikes, statistics = _plain(leaf, module, neuron, options, sharpness, steps, pool, learned)
        loss = (spikes.flatten() * by_spikes[: spikes.numel()]).sum()
        # Weights of the size that a mean over so many neurons needs to matter beside a sum over the spikes.
        loss = loss + currents.numel() * (statistics * torch.tensor([0.5, 0.3, -0.7, 0.4])).sum()
        loss.backward()
        parameters = {name: p.grad for name, p in module.named_parameters()}
        if learned is not None:
            parameters["keep"] = learned.grad
        buffers = dict(module.named_buffers())
        results.append((spikes.detach(), statistics.detach(), leaf.grad, parameters, buffers))
    return results


def _assert_equal(results):
    (spikes, statistics, gradient, parameters, buffers), plain = results
    assert 0.02 < spikes.mean() < 0.9
    torch.testing.assert_close(spikes, plain[0], rtol=1e-6, atol=0)  # a mean over 49 rounds; a spike would be 2 %
    torch.testing.assert_close(statistics, plain[1], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, plain[2], rtol=2e-4, atol=2e-5)
    for name, found in parameters.items():
        torch.testing.assert_close(found, plain[3][name], rtol=1e-4, atol=1e-3)
    for name, found in buffers.items():
        torch.testing.assert_close(found, plain[4][name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(4, 3, 5, 8, 6), (1, 3, 5, 8, 6), (4, 6, 7)])
def test_compiled_and_plain_layers_agree_for_every_norm(norm, shape):
    _assert_equal(_both(shape, norm=norm))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(4, 3, 5, 8, 6), (1, 3, 33, 8, 6)])
@pytest.mark.parametrize("pool", [1, 2, 3, 4])  # three: rows are left over, which only planes can do
def test_compiled_and_plain_layers_agree_where_channels_lie_innermost(norm, shape, pool):
    results = _both(shape, norm=norm, pool=pool, layout=torch.channels_last)
    _assert_equal(results)
    if pool != 3:
        assert results[0][0].flatten(0, 1).is_contiguous(memory_format=torch.channels_last)
        assert results[0][2].flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_compiled_and_plain_layers_agree_for_every_surrogate(surrogate):
    _assert_equal(_both((3, 4, 2, 6, 6), surrogate=surrogate, steps=3))


@pytest.mark.parametrize(("size", "pool"), [((8, 8), 2), ((9, 7), 2), ((9, 10), 3), ((7, 7), 7)])
def test_compiled_pooling_is_the_mean_over_whole_windows(size, pool):
    _assert_equal(_both((4, 2, 3, *size), pool=pool))


def test_compiled_layers_agree_where_neurons_are_strict_and_leak_otherwise():
    _assert_equal(_both((5, 3, 4, 5, 5), neuron=Neuron(0.5, 0.7, fires_at_threshold=False), steps=5))


@pytest.mark.parametrize(("shape", "layout"), [((4, 3, 5, 8, 6), None), ((1, 3, 5, 8, 6), torch.channels_last)])
@pytest.mark.parametrize("keep", [0.25, 0.75, 1 / 4096])
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_compiled_and_plain_layers_agree_in_the_derivative_by_a_learned_leak(shape, layout, keep, surrogate):
    results = _both(shape, surrogate=surrogate, keep=keep, pool=2, layout=layout)
    assert abs(results[1][3]["keep"]) > 1
    _assert_equal(results)
    again = _both(shape, surrogate=surrogate, keep=keep, pool=2, layout=layout)
    assert torch.equal(again[0][3]["keep"], results[0][3]["keep"])  # the sum has one order


@pytest.mark.parametrize("norm", NORMS)
def test_compiled_layers_agree_in_inference(norm):
    _assert_equal(_both((2, 3, 4, 6, 6), norm=norm, steps=2, training=False))


def test_a_potential_exactly_at_the_threshold_fires_only_where_it_should():
    currents = torch.full((1, 1, 1, 1, 4), 0.5)
    slope = load_plugin("train.surrogates", "dspike").slope
    norm = load_plugin("train.norms", "none").Norm().build(1, 0.5)
    for fires in (True, False):
        layer = FusedLayer(norm, Neuron(fires_at_threshold=fires), slope, 3.0, 1)
        assert layer.run(currents)[0].mean().item() == float(fires)


def test_several_threads_give_the_same_spikes_and_nearly_the_same_sums():
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(_both((4, 7, 3, 8, 8), pool=2, keep=0.5)[0])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][2], results[1][2], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(results[0][3]["keep"], results[1][3]["keep"], rtol=1e-5, atol=0)
