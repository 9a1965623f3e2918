"""What functions of torch do to tensors that are followed."""

import numpy as np
import pytest
import torch
from torch import nn

from snn_deploy.interchange.from_torch import from_torch
from snn_deploy.train.layers.lif_module import LIF


class OneByOne(nn.Module):
    """Picks its steps one by one, and takes the last features of each."""

    def __init__(self, dim):
        super().__init__()
        self.dim, self.fc, self.lif = dim, nn.Linear(4, 3), LIF(0.5, 0.25)

    def forward(self, x):
        """Return the spikes of all steps."""
        return torch.stack([self.lif(self.fc(x.select(self.dim, t))) for t in range(x.shape[self.dim])], dim=self.dim)


@pytest.mark.parametrize(("dim", "takes"), [(0, "steps"), (1, "batch_first")])
def test_a_step_picked_by_select_is_that_step(dim, takes):
    torch.manual_seed(0)
    module = OneByOne(dim)
    network = from_torch(module, (4,), 5, takes=takes)
    assert [p.name for p in network.populations] == ["lif"]
    np.testing.assert_array_equal(network.connections[0].weights, module.fc.weight.detach().double().numpy())
