import pytest
import torch

from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.compiled import fused_norm as on_cpu
from snn_deploy.train.gpu import fused_norm


def _both(device, shape, name, *, training, layout):
    currents = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.3
    if layout is not None:
        currents = currents.flatten(0, 1).contiguous(memory_format=layout).unflatten(0, shape[:2])
    found = []
    for normed, place in ((on_cpu.normed, torch.device("cpu")), (fused_norm.normed, device)):
        module = load_plugin("train.norms", name).Norm().build(shape[2], 0.5).train(training).to(place)
        leaf = currents.to(place).requires_grad_()
        result = normed(leaf, module)
        arriving = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(place)
        (result * arriving).sum().backward()
        state = {**{f"by {n}": p.grad for n, p in module.named_parameters()}, **dict(module.named_buffers())}
        found.append((result.detach().cpu(), leaf.grad.cpu(), state))
    return found


@pytest.mark.parametrize("name", plugin_names("train.norms"))
@pytest.mark.parametrize(
    ("shape", "layout"),
    [((4, 3, 5, 8, 6), None), ((4, 6, 7), None), ((1, 3, 70, 8, 6), torch.channels_last)],
)
@pytest.mark.parametrize("training", [True, False])
def test_triton_and_numba_agree(device, name, shape, training, layout):
    (result, gradient, state), found = _both(device, shape, name, training=training, layout=layout)
    if training:  # the moments are sums in another order
        torch.testing.assert_close(found[0], result, rtol=1e-5, atol=1e-6)
    else:
        assert torch.equal(found[0], result)
    torch.testing.assert_close(found[1], gradient, rtol=1e-5, atol=1e-5)
    for key, value in state.items():
        torch.testing.assert_close(None if found[2][key] is None else found[2][key].cpu(), value, rtol=1e-5, atol=1e-4)


def test_sums_are_those_of_double_where_many_tiles_are_added(device):
    values = torch.randn(4, 16, 3, 20, 41, generator=torch.Generator().manual_seed(0)).to(device)
    others = values.flip(0).contiguous()
    for lie in (torch.contiguous_format, torch.channels_last):
        a, b = (v.flatten(0, 1).contiguous(memory_format=lie).unflatten(0, (4, 16)) for v in (values, others))
        found = fused_norm.channel_sums(a, b)
        wanted = torch.stack([a.double().sum((0, 1, 3, 4)), (a.double() * b.double()).sum((0, 1, 3, 4))])
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-2)
