import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.compiled.fused_lif import FusedLayer
from snn_deploy.train.gpu import fused_lif, fused_norm, lif_kernels
from snn_deploy.train.gpu.slopes import triton_slope
from snn_deploy.train.gpu.triton_language import UNFUSED
from snn_deploy.train.neurons.lif import Neuron

NORMS, SURROGATES = plugin_names("train.norms"), plugin_names("train.surrogates")
SHAPES = [(4, 3, 5, 9, 7), (1, 3, 5, 9, 7), (4, 6, 7)]  # every step, a static image, a dense layer


def both(
    device, shape, *, norm="centered_tdbn", surrogate="dspike", neuron=None, steps=None, pool=1, seed=0,
    training=True, layout=None,
):  # fmt: skip
    """Return spikes, statistics, gradients and the norm's state of numba's and of Triton's kernels."""
    neuron, steps = neuron or Neuron(), steps or (shape[0] if shape[0] > 1 else 4)
    generator = torch.Generator().manual_seed(seed)
    currents = torch.randn(shape, generator=generator) * 0.8 + 0.1
    if layout is not None:
        currents = currents.flatten(0, 1).contiguous(memory_format=layout).unflatten(0, shape[:2])
    plugin = load_plugin("train.surrogates", surrogate)
    found = []
    for run, place in ((FusedLayer.run, torch.device("cpu")), (fused_lif.run, device)):
        module = load_plugin("train.norms", norm).Norm().build(shape[2], neuron.threshold).train(training).to(place)
        leaf = currents.to(place).requires_grad_()
        layer = FusedLayer(module, neuron, plugin.slope, plugin.Surrogate().sharpness(3, 10), steps, pool)
        spikes, statistics = run(layer, leaf)
        by_spikes = torch.randn(spikes.shape, generator=torch.Generator().manual_seed(seed + 1)).to(place)
        # Weights of the size that a mean over so many neurons needs to matter beside a sum over the spikes.
        by_statistics = currents.numel() * torch.tensor([0.5, 0.3, -0.7, 0.4]).to(place)
        ((spikes * by_spikes).sum() + (statistics * by_statistics).sum()).backward()
        state = {**{f"by {n}": p.grad for n, p in module.named_parameters()}, **dict(module.named_buffers())}
        state = {name: None if value is None else value.cpu() for name, value in state.items()}
        found.append((spikes.detach().cpu(), statistics.detach().cpu(), leaf.grad.cpu(), state))
    return found


def assert_same(found):
    """Spikes are the same bits; sums over neurons are added in another order, and what they flow into rounds so."""
    (spikes, statistics, gradient, state), (gpu_spikes, gpu_statistics, gpu_gradient, gpu_state) = found
    assert torch.equal(spikes, gpu_spikes)
    torch.testing.assert_close(gpu_statistics, statistics, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(gpu_gradient, gradient, rtol=1e-5, atol=1e-5)
    assert gpu_state.keys() == state.keys()
    for name, value in state.items():
        torch.testing.assert_close(
            gpu_state[name], value, rtol=1e-5, atol=1e-4, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_triton_and_numba_agree_for_every_norm(device, norm, shape):
    found = both(device, shape, norm=norm)
    assert 0.02 < found[0][0].mean() < 0.9
    assert_same(found)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_triton_and_numba_agree_for_every_surrogate(device, surrogate):
    assert_same(both(device, (3, 4, 2, 6, 6), surrogate=surrogate))


@pytest.mark.parametrize("norm", NORMS)
def test_triton_and_numba_agree_in_inference(device, norm):
    assert_same(both(device, (2, 3, 4, 6, 6), norm=norm, training=False))


@pytest.mark.parametrize("shape", [(4, 3, 5, 8, 6), (1, 2, 70, 6, 6)])  # more channels than a tile has
@pytest.mark.parametrize("pool", [1, 2, 3])
def test_triton_and_numba_agree_where_channels_lie_innermost(device, shape, pool):
    found = both(device, shape, pool=pool, layout=torch.channels_last)
    assert_same(found)
    assert found[1][0].flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_triton_and_numba_agree_for_any_shape_window_and_neuron(device, data):
    pool = data.draw(st.integers(1, 4), "pool")
    height, width = (data.draw(st.integers(pool, 12), name) for name in ("height", "width"))
    steps = data.draw(st.sampled_from([1, 2, 5, 17]), "steps")
    given_steps = data.draw(st.sampled_from([1, steps]), "given steps")
    batch, channels = data.draw(st.integers(1, 3), "batch"), data.draw(st.integers(1, 5), "channels")
    neuron = Neuron(
        data.draw(st.sampled_from([0.0, 0.25, 0.9, 1.0]), "keep"),
        data.draw(st.sampled_from([0.5, 0.7, 1.0]), "threshold"),
        fires_at_threshold=data.draw(st.booleans(), "fires at threshold"),
    )
    found = both(
        device,
        (given_steps, batch, channels, height, width),
        norm=data.draw(st.sampled_from(["none", "scale_tdbn"]), "norm"),
        surrogate=data.draw(st.sampled_from(SURROGATES), "surrogate"),
        neuron=neuron,
        steps=steps,
        pool=pool,
        seed=data.draw(st.integers(0, 2**31), "seed"),
        training=False,  # moments of a few neurons may nearly cancel: test_triton_and_numba_agree_for_every_norm
        layout=data.draw(st.sampled_from([None, torch.channels_last]), "layout"),
    )
    (spikes, statistics, gradient, _), (gpu_spikes, gpu_statistics, gpu_gradient, _) = found
    assert torch.equal(spikes, gpu_spikes)
    torch.testing.assert_close(gpu_statistics, statistics, rtol=1e-5, atol=1e-6)
    scale = gradient.abs().max()  # a surrogate of many steps adds terms that cancel
    torch.testing.assert_close(gpu_gradient / scale, gradient / scale, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("keep", [0.25, 0.9])
def test_potentials_are_those_of_the_equation_bit_for_bit(device, keep):
    generator = torch.Generator().manual_seed(0)
    currents = torch.randn(1, 2, 3, 5, 7, generator=generator).to(device)
    factor, offset = torch.randn(2, 3, generator=generator).to(device)
    steps, zeros = 6, torch.zeros(6, 2, 3, 5, 7, device=device)
    kept, result = torch.empty_like(zeros), torch.empty_like(currents)
    grid, tile = fused_lif._programs(currents, 1)
    sums = torch.empty(2, grid[0], 3, device=device)
    slope = triton_slope(load_plugin("train.surrogates", "rectangle").slope)
    lif_kernels.backward[grid](
        currents, factor, offset, zeros, torch.zeros(4, device=device), kept, result, sums[0], sums[1], zeros,
        keep, 0.5, 0.5, 1.0, steps, 1, *fused_lif._extent(currents, 1), currents.stride(0), kept.stride(0),
        *fused_lif._strides(currents)[1:], *fused_lif._strides(zeros), SLOPE=slope, LEARNS=False, **tile, **UNFUSED,
    )  # fmt: skip
    x, scale, shift = (np.asarray(v.cpu()) for v in (currents, factor, offset))
    normalized = x[0] * scale[:, None, None] + shift[:, None, None]
    left = np.zeros_like(normalized)
    for t in range(steps):
        potential = np.float32(keep) * left + normalized
        np.testing.assert_array_equal(kept[t].cpu().numpy(), potential)
        left = np.where(potential >= np.float32(0.5), np.float32(0), potential)


def test_a_potential_exactly_at_the_threshold_fires_only_where_it_should(device):
    currents = torch.full((1, 1, 1, 1, 4), 0.5, device=device)
    slope = load_plugin("train.surrogates", "dspike").slope
    norm = load_plugin("train.norms", "none").Norm().build(1, 0.5)
    for fires in (True, False):
        layer = FusedLayer(norm, Neuron(fires_at_threshold=fires), slope, 3.0, 1)
        assert fused_lif.run(layer, currents)[0].mean().item() == float(fires)


def test_the_size_of_tiles_changes_no_spike_and_no_gradient_of_a_neuron(device, monkeypatch):
    results = []
    for size in (64, 1024):
        monkeypatch.setattr(fused_norm, "TILE", size)
        monkeypatch.setattr(fused_lif, "TILE", size)
        results.append(both(device, (2, 3, 3, 9, 7), norm="none", pool=2)[1])
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][2], results[1][2])


def test_gradients_that_come_with_other_strides_are_read_as_they_lie(device):
    norm = load_plugin("train.norms", "none").Norm().build(3, 0.5)
    layer = FusedLayer(norm, Neuron(), load_plugin("train.surrogates", "triangle").slope, 1.0, 4, 2)
    found = []
    for spread in (False, True):
        leaf = torch.randn(4, 2, 3, 6, 6, generator=torch.Generator().manual_seed(0)).to(device).requires_grad_()
        pooled, _ = fused_lif.run(layer, leaf)
        by_pooled = torch.arange(3.0, device=device).reshape(3, 1, 1).expand(pooled.shape)  # strides of 0
        pooled.backward(by_pooled if spread else by_pooled.contiguous())
        found.append(leaf.grad)
    assert torch.equal(*found)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_a_learned_leak_is_that_of_numba(device, shape):
    slope = load_plugin("train.surrogates", "dspike").slope
    currents = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    steps = shape[0] if shape[0] > 1 else 4
    found = []
    for run, place in ((FusedLayer.run, torch.device("cpu")), (fused_lif.run, device)):
        norm = load_plugin("train.norms", "none").Norm().build(shape[2], 0.5)
        keep = torch.tensor(0.625, device=place, requires_grad=True)
        layer = FusedLayer(norm, Neuron(0.25, learns_voltage_keep=True), slope, 3.0, steps, 1, keep)
        spikes, statistics = run(layer, currents.to(place))
        by_spikes = torch.randn(spikes.shape, generator=torch.Generator().manual_seed(1)).to(place)
        ((spikes * by_spikes).sum() + statistics.sum()).backward()
        found.append((spikes.detach().cpu(), keep.grad.cpu()))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1].abs() > 0.1
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-5, atol=1e-5)
