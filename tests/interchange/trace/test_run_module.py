"""How a module is copied and called: what frameworks fix in it, and which reason is told where every way fails."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from snn_deploy.interchange.from_torch import from_torch
from snn_deploy.support.user_error import UserError
from snn_deploy.train.layers.lif_module import LIF

STEPS = 6


@pytest.fixture
def sinabs():
    """Return its layers."""
    return pytest.importorskip("sinabs.layers", reason="sinabs is not installed (the group dev has it)")


@pytest.fixture
def single():
    """Return the field that lets its neurons send one spike in a step."""
    activation = pytest.importorskip("sinabs.activation", reason="sinabs is not installed (the group dev has it)")
    return {"spike_fn": activation.SingleSpike}


@pytest.mark.parametrize("fixed", [{"batch_size": 1}, {"num_timesteps": STEPS}])
def test_neurons_of_a_fixed_number_of_samples_or_steps_get_as_many(sinabs, single, fixed):
    torch.manual_seed(0)
    flat = nn.Sequential(nn.Conv2d(1, 3, 3), sinabs.LIFSqueeze(tau_mem=4.0, norm_input=False, **single, **fixed))
    assert from_torch(flat, (1, 5, 5), STEPS).populations[0].shape == (3, 3, 3)
    timed = nn.Sequential(sinabs.FlattenTime(), flat, sinabs.UnflattenTime(batch_size=1))
    assert from_torch(timed, (1, 5, 5), STEPS, takes="batch_first").populations[0].shape == (3, 3, 3)


def test_recurrent_neurons_of_sinabs_are_copied_with_their_weights(sinabs, single):
    weights = nn.Linear(4, 4, bias=False)
    module = nn.Sequential(nn.Linear(3, 4), sinabs.IAFRecurrent(rec_connect=weights, **single))
    with pytest.raises(AttributeError, match="rec_connect"):
        copy.deepcopy(module)
    network = from_torch(module, (3,), STEPS)
    loop = next(c for c in network.connections if c.source == c.target)
    np.testing.assert_array_equal(loop.weights, weights.weight.detach().double().numpy())


def test_a_parameter_of_each_channel_of_a_sequence_is_taken():
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")
    torch.manual_seed(0)
    keeps = torch.tensor([[0.25], [0.5], [0.75]])
    module = nn.Sequential(nn.Conv1d(2, 3, 3), snntorch.Leaky(keeps, threshold=0.3, init_hidden=True))
    network = from_torch(module, (2, 8), STEPS)
    assert network.populations[0].voltage_keep.tolist() == [0.25, 0.5, 0.75]


def test_a_parameter_of_each_place_of_a_map_is_not_mistaken_for_one_of_a_sequence():
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed (the group dev has it)")
    keeps = torch.linspace(0.1, 0.9, 16).reshape(4, 4)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), snntorch.Leaky(keeps, threshold=0.3, init_hidden=True))
    with pytest.raises(UserError, match=r"voltage_keep of shape \(4, 4\), which does not fit"):
        from_torch(module, (1, 6, 6), STEPS)


class AllSteps(nn.Module):
    """Something that no chip does, in a module that takes all steps and raises where it gets one."""

    def forward(self, x):
        """Return (steps, batch, features)."""
        return nn.functional.linear(x.flatten(2), torch.eye(8)).tanh()


class EachStep(nn.Module):
    """The same in a loop over the first axis, which may be that of the batch."""

    def forward(self, x):
        """Return (steps, batch, features)."""
        return torch.stack([nn.functional.linear(step, torch.eye(4)).tanh() for step in x])


@pytest.mark.parametrize(("kind", "shape"), [(AllSteps, (2, 4)), (EachStep, (4,))])
def test_the_reason_told_is_that_of_the_way_in_which_most_was_followed(kind, shape):
    with pytest.raises(UserError, match=rf"{kind.__name__}.*tanh has no counterpart"):
        from_torch(nn.Sequential(kind(), LIF()), shape, STEPS)
