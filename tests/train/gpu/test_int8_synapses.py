import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from snn_deploy.train.compiled import int8_synapses as on_cpu
from snn_deploy.train.gpu import int8_synapses

CASES = {
    "padded": ((3, 8, 9, 9), (12, 8, 3, 3), 4, ((1, 1), (1, 1), (1, 1), 1)),
    "strided": ((3, 8, 9, 9), (12, 8, 3, 3), 4, ((2, 2), (1, 1), (1, 1), 1)),
    "dilated": ((3, 8, 9, 9), (12, 8, 3, 3), 1, ((1, 1), (2, 2), (2, 2), 1)),
    "uneven": ((3, 8, 9, 7), (12, 8, 3, 5), 49, ((2, 1), (0, 2), (1, 1), 1)),
    "many channels": ((2, 70, 5, 5), (70, 70, 3, 3), 1, ((1, 1), (1, 1), (1, 1), 1)),
    "dense": ((13, 40), (12, 40), 4, None),
}


def _layer(module, v, w, area, geometry, **options):
    if geometry is None:
        return module.linear(v, w, area, **options)
    return module.conv2d(v, w, area, *geometry, **options)


def _operands(case):
    values_shape, weights_shape, area, geometry = CASES[case]
    generator = torch.Generator().manual_seed(1)
    spikes = torch.randint(0, area + 1, values_shape, generator=generator) / area  # as average pooling leaves them
    weights = torch.randn(weights_shape, generator=generator)
    weights[3] *= 1e-3  # every channel has digits of its own
    weights[5] = 0
    return spikes, weights, area, geometry


def _wide(v, w, geometry):
    return functional.linear(v, w) if geometry is None else functional.conv2d(v, w, None, *geometry)


@pytest.mark.parametrize("case", CASES)
def test_currents_are_exactly_those_of_the_digits(device, case):
    spikes, weights, area, geometry = _operands(case)
    found = _layer(int8_synapses, spikes.to(device), weights.to(device), area, geometry, narrow_gradients=True).cpu()
    (high, scales), (low, _) = on_cpu._digits(weights, None)
    whole = torch.round(spikes.double() * area)
    # Whole numbers in double are exact; what follows are the kernel's few operations on them, in float32.
    sums = [_wide(whole, d.double(), geometry) for d in (high, low)]
    highs, lows = (s.numpy().astype(np.float32) for s in sums)
    scale = (scales.numpy() / np.float32(area)).reshape(-1, *[1] * (found.ndim - 2))
    expected = (highs + lows * np.float32(1 / on_cpu.STEP)) * scale
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("narrow_gradients", [True, False])
def test_currents_and_gradients_are_those_of_float32_to_their_rounding(device, case, narrow_gradients):
    spikes, weights, area, geometry = _operands(case)
    results = []
    for is_narrow in (True, False):
        leaves = spikes.to(device).requires_grad_(), weights.to(device).requires_grad_()
        if is_narrow:
            currents = _layer(int8_synapses, *leaves, area, geometry, narrow_gradients=narrow_gradients)
        else:
            currents = _wide(*leaves, geometry)
        arriving = torch.randn(currents.shape, generator=torch.Generator().manual_seed(2)).to(device)
        results.append((currents.detach(), *torch.autograd.grad(currents, leaves, arriving)))
    for channel in range(12):
        here, there = (currents[:, channel] for currents, *_ in results)
        assert (here - there).norm() <= 1e-4 * there.norm()
    for here, there in zip(results[0][1:], results[1][1:], strict=True):
        assert here.dtype == torch.float32
        assert (here - there).norm() <= (6e-3 if narrow_gradients else 1e-5) * there.norm()


def test_every_spike_counts_exactly_once(device):
    """One spike at a time through weights of one digit: nothing that arrives is rounded."""
    weights = torch.randint(-127, 128, (16, 32, 1, 1), generator=torch.Generator().manual_seed(0)).float().to(device)
    weights[:, 0] = 127.0
    spikes = torch.eye(32, device=device)[:, :, None, None]
    geometry = ((1, 1), (0, 0), (1, 1), 1)
    found = int8_synapses.conv2d(spikes, weights, 1, *geometry, narrow_gradients=True)
    assert torch.equal(found[:, :, 0, 0], weights[:, :, 0, 0].T)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_stay_so(device, value):
    weights = torch.ones(16, 8, 3, 3)
    weights[2, 3, 1, 1] = value
    spikes = torch.ones(1, 8, 5, 5)
    geometry = ((1, 1), (1, 1), (1, 1), 1)
    found = int8_synapses.conv2d(spikes.to(device), weights.to(device), 1, *geometry, narrow_gradients=True).cpu()
    assert found[:, 2].isnan().all()
    assert found[:, :2].isfinite().all()


def test_what_int8_cannot_count_is_computed_in_float32(device):
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 145, (2, 4, 5, 5), generator=generator).to(device) / 144
    weights = torch.randn(6, 4, 3, 3, generator=generator).to(device)
    geometry = ((1, 1), (1, 1), (1, 1))
    found = int8_synapses.conv2d(values, weights, 144, *geometry, 1, narrow_gradients=True)
    assert torch.equal(found, functional.conv2d(values, weights, None, *geometry))
    grouped = int8_synapses.conv2d(values.round(), weights[:, :2], 1, *geometry, 2, narrow_gradients=True)
    assert torch.equal(grouped, functional.conv2d(values.round(), weights[:, :2], None, *geometry, 2))


def test_the_check_at_a_run_s_start_passes(device):
    assert int8_synapses.works_on(device)
