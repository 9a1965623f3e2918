import numpy as np
import pytest

from snn_deploy.fitting.planned_network import planned_network
from snn_deploy.support.user_error import UserError
from snn_deploy.train.models import layer_string, resnet19

PLAN = layer_string.Model("8C3-P2-16C3-10").plan((1, 12, 12), 10)


def test_it_has_the_shapes_of_the_plan():
    network = planned_network(PLAN, 3, largest_value=1)
    assert [p.shape for p in network.populations] == [p.shape for p in PLAN.populations]
    assert [c.weights.shape for c in network.connections] == [c.weights_shape for c in PLAN.connections]
    assert (network.steps, network.input.largest_value) == (3, 1)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_every_weight_takes_all_bits(bits):
    for c in planned_network(PLAN, 3, weight_bits=bits).connections:
        assert (np.abs(c.weights.astype(int)) == 2 ** (bits - 1) - 1).all()
        assert c.weights.min() < 0 < c.weights.max()


def test_so_many_weights_are_not_0_and_the_same_in_every_call():
    first, again = (planned_network(PLAN, 3, density=0.25) for _ in range(2))
    assert first.digest == again.digest
    weights = np.concatenate([c.weights.ravel() for c in first.connections])
    assert abs((weights != 0).mean() - 0.25) < 0.02


def test_shortcuts_are_there():
    network = planned_network(resnet19.Model(4).plan((3, 16, 16), 10), 2)
    assert any(c.groups > 1 for c in network.connections)


def test_a_density_of_nothing_is_refused():
    with pytest.raises(UserError, match="above 0, up to 1"):
        planned_network(PLAN, 3, density=0.0)
