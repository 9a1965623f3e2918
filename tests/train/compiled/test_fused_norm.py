import pytest
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.compiled.fused_norm import normed


@pytest.mark.parametrize("name", ["tdbn", "scale_tdbn", "centered_tdbn", "orthogonal_tdbn"])
@pytest.mark.parametrize("shape", [(4, 6, 5, 7, 7), (1, 6, 5, 7, 7), (4, 6, 30)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_equals_the_plain_norm_with_its_gradients(name, shape, training, layout):
    generator = torch.Generator().manual_seed(0)
    currents = torch.randn(shape, generator=generator) * 0.7 + 0.2
    if len(shape) == 5:
        currents = currents.flatten(0, 1).contiguous(memory_format=layout).unflatten(0, shape[:2])
    arriving = torch.randn(shape, generator=generator)
    results = []
    for compiled in (True, False):
        module = load_plugin("train.norms", name).Norm().build(shape[2], 0.5).train(training)
        leaf = currents.clone().requires_grad_()
        out = normed(leaf, module) if compiled else module(leaf.flatten(0, 1)).unflatten(0, shape[:2])
        (out * arriving).sum().backward()
        results.append((out.detach(), leaf.grad, *(p.grad for p in module.parameters()), *module.buffers()))
    for here, there in zip(*results, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-4, atol=2e-5)
