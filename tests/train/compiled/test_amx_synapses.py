import pytest
import torch
from torch.nn import functional

from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled import amx_synapses
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.run.loop import train

# Without AMX the int8 operator saturates or is missing, and training never calls it: nothing to test.
needs_amx = pytest.mark.skipif(not amx_synapses.works_here(), reason="this CPU has no AMX")
CASES = {
    "padded": ((6, 8, 9, 9), (12, 8, 3, 3), 4, ((1, 1), (1, 1), (1, 1), 1)),
    "strided": ((6, 8, 9, 9), (12, 8, 3, 3), 4, ((2, 2), (1, 1), (1, 1), 1)),
    "dilated": ((6, 8, 9, 9), (12, 8, 3, 3), 1, ((1, 1), (2, 2), (2, 2), 1)),
    "grouped": ((6, 8, 9, 9), (12, 4, 3, 3), 9, ((1, 1), (1, 1), (1, 1), 2)),
    "uneven": ((6, 8, 9, 7), (12, 8, 3, 5), 49, ((2, 1), (0, 2), (1, 1), 1)),
    "dense": ((6, 40), (12, 40), 4, None),
}


def _gradients(layer, values, weights):
    leaves = values.clone().requires_grad_(), weights.clone().requires_grad_()
    currents = layer(*leaves)
    arriving = torch.randn(currents.shape, generator=torch.Generator().manual_seed(2))
    return currents.detach(), torch.autograd.grad(currents, leaves, arriving)


@needs_amx
@pytest.mark.parametrize("case", CASES)
def test_currents_and_gradients_are_those_of_float32_to_their_rounding(case):
    values_shape, weights_shape, area, geometry = CASES[case]
    generator = torch.Generator().manual_seed(1)
    spikes = torch.randint(0, area + 1, values_shape, generator=generator) / area  # as average pooling leaves them
    weights = torch.randn(weights_shape, generator=generator)
    weights[3] *= 1e-3  # every channel has digits of its own
    weights[5] = 0
    if geometry is None:
        narrow, wide = amx_synapses.linear, functional.linear
    else:
        narrow = lambda v, w: amx_synapses.conv2d(v, w, area, *geometry)  # noqa: E731
        wide = lambda v, w: functional.conv2d(v, w, None, *geometry)  # noqa: E731
    currents, found = _gradients(narrow, spikes, weights)
    expected_currents, expected = _gradients(wide, spikes, weights)
    for channel in range(12):
        here, there = currents[:, channel], expected_currents[:, channel]
        assert (here - there).norm() <= 1e-4 * there.norm()
    for there, here in zip(expected, found, strict=True):
        assert here.dtype == torch.float32
        error = (here - there).norm() / there.norm()
        assert 0 < error < 0.01  # exactly zero would mean that nothing ran in bfloat16


@needs_amx
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_shows_in_the_currents(value):
    weights = torch.ones(3, 2, 3, 3)
    weights[1, 0, 1, 1] = value
    currents = amx_synapses.conv2d(torch.ones(1, 2, 4, 4), weights, 1, (1, 1), (1, 1), (1, 1), 1)
    assert currents[:, [0, 2]].isfinite().all()
    assert not currents[:, 1].isfinite().any()


def test_without_amx_or_the_operator_it_says_so(monkeypatch):
    amx_synapses.works_here.cache_clear()
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert not amx_synapses.works_here()
    amx_synapses.works_here.cache_clear()
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)

    def missing(*arguments):
        raise AttributeError("no such operator")

    monkeypatch.setattr(amx_synapses, "_currents", missing)
    assert not amx_synapses.works_here()
    monkeypatch.setattr(amx_synapses, "_currents", lambda values, *arguments: values)  # wrong sums
    assert not amx_synapses.works_here()
    amx_synapses.works_here.cache_clear()


def test_asking_for_amx_where_it_does_not_work_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(amx_synapses, "works_here", lambda: False)
    model, training = {"layers": "4C3-P2-10"}, {"synapses": "amx"}
    config = resolved_config({"data": {"name": "digits"}, "model": model, "training": training}, "test")
    with pytest.raises(UserError, match="on this machine's cpu"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
