import pytest
import torch
from torch.nn import functional

from snn_deploy.train import bfloat16_gradients


def _gradients(layer, values, weights):
    leaves = values.clone().requires_grad_(), weights.clone().requires_grad_()
    currents = layer(*leaves)
    arriving = torch.randn(currents.shape, generator=torch.Generator().manual_seed(2))
    return currents.detach(), torch.autograd.grad(currents, leaves, arriving)


CASES = {
    "padded": ((6, 8, 9, 9), (12, 8, 3, 3), ((1, 1), (1, 1), (1, 1), 1)),
    "strided": ((6, 8, 9, 9), (12, 8, 3, 3), ((2, 2), (1, 1), (1, 1), 1)),
    "dilated": ((6, 8, 9, 9), (12, 8, 3, 3), ((1, 1), (2, 2), (2, 2), 1)),
    "grouped": ((6, 8, 9, 9), (12, 4, 3, 3), ((1, 1), (1, 1), (1, 1), 2)),
    "dense": ((6, 40), (12, 40), None),
}


@pytest.mark.parametrize("case", CASES)
def test_currents_are_those_of_float32_and_gradients_within_one_percent(case):
    values_shape, weights_shape, geometry = CASES[case]
    generator = torch.Generator().manual_seed(1)
    spikes = torch.randint(0, 5, values_shape, generator=generator) / 4  # as average pooling leaves them
    weights = torch.randn(weights_shape, generator=generator)
    if geometry is None:
        narrow, wide = bfloat16_gradients.linear, functional.linear
    else:
        narrow = lambda v, w: bfloat16_gradients.conv2d(v, w, *geometry)  # noqa: E731
        wide = lambda v, w: functional.conv2d(v, w, None, *geometry)  # noqa: E731
    currents, found = _gradients(narrow, spikes, weights)
    expected_currents, expected = _gradients(wide, spikes, weights)
    assert torch.equal(currents, expected_currents)
    for there, here in zip(expected, found, strict=True):
        assert here.dtype == torch.float32
        error = (here - there).norm() / there.norm()
        assert 0 < error < 0.01  # exactly zero would mean that nothing ran in bfloat16
