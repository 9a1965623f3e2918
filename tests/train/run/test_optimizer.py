import pytest
import torch
from torch import nn

from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.config.train_config import Optimizer
from snn_deploy.train.run.optimizer import load_state_tensors, new_optimizer, parameters_of, state_tensors


class _Network(nn.Module):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.weights = nn.Parameter(torch.randn(4, 3, generator=generator))
        self.leak = nn.Parameter(torch.ones(2))

    @property
    def parameters_without_decay(self):
        return [self.leak]

    @property
    def delay_parameters(self):
        return []


def _updated(optimizer, network, updates):
    for i in range(updates):
        optimizer.zero_grad()
        ((network.weights * (i + 1)).square().sum() + network.leak.sum()).backward()
        optimizer.step()


@pytest.mark.parametrize("options", [Optimizer(), Optimizer("adamw", 0.01, weight_decay=0.1)], ids=["sgd", "adamw"])
def test_an_optimizer_with_the_state_of_another_goes_on_like_it(options):
    whole, begun = _Network(), _Network()
    _updated(new_optimizer(options, whole), whole, 5)
    first = new_optimizer(options, begun)
    _updated(first, begun, 2)
    kept = {name: tensor.clone() for name, tensor in state_tensors(first).items()}

    resumed = _Network()
    resumed.load_state_dict(begun.state_dict())
    second = new_optimizer(options, resumed)
    load_state_tensors(second, kept)
    for i in range(2, 5):
        second.zero_grad()
        ((resumed.weights * (i + 1)).square().sum() + resumed.leak.sum()).backward()
        second.step()

    assert torch.equal(resumed.weights, whole.weights)
    assert torch.equal(resumed.leak, whole.leak)


def test_one_update_of_adamw_is_that_of_its_equations_and_spares_what_has_no_decay():
    # The first update is lr * g / (|g| + 1e-8), whatever beta is; decay takes lr * decay of the weights off before.
    network = _Network()
    before = network.weights.detach().clone(), network.leak.detach().clone()
    _updated(new_optimizer(Optimizer("adamw", 0.01, weight_decay=0.1), network), network, 1)
    torch.testing.assert_close(network.weights.detach(), before[0] * (1 - 0.001) - 0.01 * before[0].sign())
    torch.testing.assert_close(network.leak.detach(), before[1] - 0.01)


def test_a_state_of_another_shape_is_refused():
    optimizer = new_optimizer(Optimizer("adamw"), _Network())
    assert len(parameters_of(optimizer)) == 2
    with pytest.raises(ValueError, match=r"mean_square 0 of shape \(3,\) for \(4, 3\)"):
        load_state_tensors(optimizer, {"mean_square/0": torch.zeros(3)})


def test_a_config_chooses_it():
    table = {"data": {"name": "digits"}, "model": {"layers": "10"}, "optimizer": {"name": "adamw"}}
    assert resolved_config(table, "test").optimizer.name == "adamw"
