"""Depths and waits, without Lava."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.layer_times import schedule
from snn_deploy.support.user_error import UserError


def network(*connections):
    """Return single neurons a, b, c ... that (source, target, delay) connect."""
    names = sorted({target for _, target, _ in connections})
    return IntegerNetwork(
        IntegerInput("input", (1,)),
        tuple(IntegerPopulation(name, (1,), 0, 0, 0, 0) for name in names),
        tuple(IntegerConnection(f"{s}_{t}_{d}", s, t, np.ones((1, 1)), delay=d) for s, t, d in connections),
        steps=4,
    )


def test_the_longest_way_decides_and_the_short_one_waits():
    plan = schedule(net := network(("input", "a", 0), ("a", "b", 0), ("b", "c", 0), ("a", "c", 0), ("input", "c", 0)))
    assert plan.depths == {"input": 0, "a": 1, "b": 2, "c": 3}
    assert [plan.slack(c) for c in net.connections] == [0, 0, 0, 1, 2]


def test_a_delay_makes_room_for_a_long_way():
    plan = schedule(net := network(("input", "a", 0), ("a", "b", 0), ("b", "a", 2), ("b", "b", 1), ("input", "b", 3)))
    assert plan.depths == {"input": 0, "a": 1, "b": 2}
    assert [plan.slack(c) for c in net.connections] == [0, 0, 0, 0, 4]


def test_a_loop_that_is_too_quick_is_refused_with_its_connections():
    with pytest.raises(UserError, match=r"connections 'a_b_0', 'b_c_0', 'c_a_2': a loop of 3 .* sum to 2 steps"):
        schedule(network(("input", "a", 0), ("a", "b", 0), ("b", "c", 0), ("c", "a", 2), ("c", "d", 0)))


@given(st.integers(0, 2**32 - 1))
def test_no_spike_is_late(seed):
    net = random_network(seed)
    try:
        plan = schedule(net)
    except UserError as error:
        assert "a loop of" in str(error)
        return
    assert all(plan.slack(c) >= 0 for c in net.connections)
    assert plan.depths[net.input.name] == 0
    assert min(plan.depths[p.name] for p in net.populations) >= 1
