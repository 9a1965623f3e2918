import pytest
import torch
from torch.nn import functional

from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled import int8_synapses
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.gpu import kernel_choice
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.run_folder import RunFolder

# Without VNNI or AMX the int8 operator saturates or is missing, and training never calls it: nothing to test.
needs_int8 = pytest.mark.skipif(not int8_synapses.works_here(), reason="this CPU has neither VNNI nor AMX")
CASES = {
    "padded": ((6, 8, 9, 9), (12, 8, 3, 3), 4, ((1, 1), (1, 1), (1, 1), 1)),
    "strided": ((6, 8, 9, 9), (12, 8, 3, 3), 4, ((2, 2), (1, 1), (1, 1), 1)),
    "dilated": ((6, 8, 9, 9), (12, 8, 3, 3), 1, ((1, 1), (2, 2), (2, 2), 1)),
    "grouped": ((6, 8, 9, 9), (12, 4, 3, 3), 9, ((1, 1), (1, 1), (1, 1), 2)),
    "uneven": ((6, 8, 9, 7), (12, 8, 3, 5), 49, ((2, 1), (0, 2), (1, 1), 1)),
    "dense": ((128, 40), (12, 40), 4, None),
}


def _gradients(layer, values, weights):
    leaves = values.clone().requires_grad_(), weights.clone().requires_grad_()
    currents = layer(*leaves)
    arriving = torch.randn(currents.shape, generator=torch.Generator().manual_seed(2))
    return currents.detach(), torch.autograd.grad(currents, leaves, arriving)


@needs_int8
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("narrow_gradients", [True, False])
def test_currents_and_gradients_are_those_of_float32_to_their_rounding(case, layout, narrow_gradients):
    values_shape, weights_shape, area, geometry = CASES[case]
    generator = torch.Generator().manual_seed(1)
    spikes = torch.randint(0, area + 1, values_shape, generator=generator) / area  # as average pooling leaves them
    if spikes.ndim == 4:
        spikes = spikes.contiguous(memory_format=layout)
    weights = torch.randn(weights_shape, generator=generator)
    weights[3] *= 1e-3  # every channel has digits of its own
    weights[5] = 0

    def narrow(v, w):
        if geometry is None:
            return int8_synapses.linear(v, w, area, narrow_gradients=narrow_gradients)
        return int8_synapses.conv2d(v, w, area, *geometry, narrow_gradients=narrow_gradients)

    def wide(v, w):
        return functional.linear(v, w) if geometry is None else functional.conv2d(v, w, None, *geometry)

    currents, found = _gradients(narrow, spikes, weights)
    expected_currents, expected = _gradients(wide, spikes, weights)
    assert not torch.equal(currents, expected_currents)  # as they would be if nothing ran in int8
    for channel in range(12):
        here, there = currents[:, channel], expected_currents[:, channel]
        assert (here - there).norm() <= 1e-4 * there.norm()
    for there, here in zip(expected, found, strict=True):
        assert here.dtype == torch.float32
        error = (here - there).norm() / there.norm()
        if narrow_gradients:
            assert 1e-5 < error < 0.01  # less would mean that nothing ran in bfloat16
        else:
            assert error < 1e-6


@needs_int8
@pytest.mark.parametrize(("taps", "stride", "length"), [(3, 2, 1), (5, 3, 2), (7, 2, 1), (7, 3, 2)])
def test_taps_that_meet_only_padding_have_no_gradient(taps, stride, length):
    generator = torch.Generator().manual_seed(1)
    for outputs in range(4, 40, 4):  # what lies in unwritten memory differs from try to try
        spikes = torch.randint(0, 2, (33, 8, length, length), generator=generator).float()
        weights = torch.randn(outputs, 8, taps, taps, generator=generator)
        geometry = ((stride, stride), (taps // 2, taps // 2), (1, 1), 1)
        _, found = _gradients(
            lambda v, w, g=geometry: int8_synapses.conv2d(v, w, 1, *g, narrow_gradients=True), spikes, weights
        )
        _, expected = _gradients(lambda v, w, g=geometry: functional.conv2d(v, w, None, *g), spikes, weights)
        for there, here in zip(expected, found, strict=True):
            assert (here - there).norm() <= 0.01 * there.norm()


@needs_int8
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("narrow_gradients", [True, False])
def test_whole_weights_give_exact_currents(case, layout, narrow_gradients):
    values_shape, weights_shape, _, geometry = CASES[case]
    generator = torch.Generator().manual_seed(1)
    values = torch.randint(0, 256, values_shape, generator=generator).float()
    whole = torch.randint(-127, 128, weights_shape, generator=generator).float()
    values[:2], whole[0] = 255, 127
    values = values.contiguous(memory_format=layout) if values.ndim == 4 else values

    def narrow(v, w):
        if geometry is None:
            return int8_synapses.whole_linear(v, w, 3, narrow_gradients=narrow_gradients)
        return int8_synapses.whole_conv2d(v, w, 3, *geometry, narrow_gradients=narrow_gradients)

    def wide(v, w):
        return functional.linear(v, w) if geometry is None else functional.conv2d(v, w, None, *geometry)

    currents, found = _gradients(narrow, values, whole * 8)
    assert torch.equal(currents.double(), wide(values.double(), whole.double() * 8))
    _, expected = _gradients(wide, values, whole * 8)
    for there, here in zip(expected, found, strict=True):
        assert (here - there).norm() <= (0.01 if narrow_gradients else 1e-6) * there.norm()


@needs_int8
def test_few_rows_of_a_dense_layer_are_computed_in_float32():
    generator = torch.Generator().manual_seed(0)
    values, weights = torch.randint(0, 2, (12, 30), generator=generator).float(), torch.randn(5, 30)
    assert torch.equal(
        int8_synapses.linear(values, weights, 1, narrow_gradients=True), functional.linear(values, weights)
    )


@needs_int8
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_not_finite_shows_in_the_currents(value):
    weights = torch.ones(3, 2, 3, 3)
    weights[1, 0, 1, 1] = value
    currents = int8_synapses.conv2d(
        torch.ones(1, 2, 4, 4), weights, 1, (1, 1), (1, 1), (1, 1), 1, narrow_gradients=True
    )
    assert currents[:, [0, 2]].isfinite().all()
    assert not currents[:, 1].isfinite().any()


def test_where_the_operator_is_missing_or_wrong_it_says_so(monkeypatch):
    def missing(*arguments):
        raise AttributeError("no such operator")

    def saturating(counts, weights, area, *geometry):
        return functional.conv2d(counts.float(), weights, None, *geometry).clamp(max=2**15)

    for wrong in (missing, saturating, lambda counts, *arguments: counts.float()):
        int8_synapses.works_here.cache_clear()
        monkeypatch.setattr(int8_synapses, "_currents", wrong)
        assert not int8_synapses.works_here()
    int8_synapses.works_here.cache_clear()


def _config(**training):
    table = {
        "data": {"name": "digits"},
        "model": {"layers": "4C3-P2-6C3-P2-10"},
        "training": {"epochs": 2, "samples": 96, "batch_size": 32, "threads": 1, **training},
    }
    return resolved_config(table, "test")


@pytest.mark.parametrize("synapses", ["int8", "int8-bfloat16"])
def test_asking_for_it_where_it_does_not_work_is_refused(monkeypatch, tmp_path, synapses):
    monkeypatch.setattr(int8_synapses, "works_here", lambda: False)
    with pytest.raises(UserError, match="on this machine's cpu"):
        train(_config(synapses=synapses), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_value_of_earlier_versions_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"synapses.*(?s:.)*int8-bfloat16"):
        _config(synapses="amx")


@needs_int8
def test_a_resumed_run_keeps_the_arithmetic_that_it_began_with(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_choice, "fastest_arithmetic", lambda device: "int8-bfloat16")
    train(_config(), tmp_path / "whole")

    def stop(metrics):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(_config(), tmp_path / "run", Watcher(epoch=stop))
    monkeypatch.setattr(kernel_choice, "fastest_arithmetic", lambda device: "float32")  # as another load might measure
    train(_config(), tmp_path / "run", resume=True)
    train(_config(), tmp_path / "float32")
    whole, run, wide = (RunFolder(tmp_path / name) for name in ("whole", "run", "float32"))
    assert run.checkpoint.read_bytes() == whole.checkpoint.read_bytes()
    assert run.float_network.read_bytes() == whole.float_network.read_bytes() != wide.float_network.read_bytes()
