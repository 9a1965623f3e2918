"""place(objective="latency"): the step that is measured is shorter, and both mappings are told."""

import numpy as np
import pytest

import snn_deploy as sd
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError


@pytest.fixture(scope="module")
def network():
    """Return a network whose first layer has most of the synaptic operations."""
    rng = np.random.default_rng(0)
    populations, connections = [], []
    for name, source, inputs, neurons in (("a", "in", 64, 96), ("b", "a", 96, 32), ("out", "b", 32, 4)):
        ones = np.ones(neurons, int)
        populations.append(IntegerPopulation(name, (neurons,), 300 * ones, 4096 * ones, 0 * ones, 0 * ones))
        connections.append(IntegerConnection(f"to_{name}", source, name, rng.integers(-60, 100, (neurons, inputs))))
    return IntegerNetwork(IntegerInput("in", (64,), 1), tuple(populations), tuple(connections), 4)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 2, (6, 64))


def test_the_measured_step_is_shorter_and_the_trade_is_told(network, images):
    few = sd.place(network, chip="loihi1", inputs=images)
    quick = sd.place(network, chip="loihi1", inputs=images, objective="latency")
    assert quick.trade is not None
    assert check_placement(network, quick.placement, load_profile("loihi1")) == []
    assert few.cores == len(quick.trade.fewest.placement.cores) < quick.cores <= 128
    steps = [mapping.latency.step[1] for mapping in quick.trade.balanced]
    assert quick.latency(images).step[1] == min(steps) < few.latency(images).step[1]
    facts = quick.to_dict()["trade"]
    assert facts["balanced"][facts["quickest"]]["cores"] == quick.cores
    assert "times as many steps a second" in repr(quick) + str(quick.blocks())
    assert few.trade is None
    assert "trade" not in few.to_dict()


def test_without_measured_spikes_there_is_nothing_to_balance(network):
    with pytest.raises(UserError, match="--samples"):
        sd.place(network, chip="loihi1", objective="latency")


def test_with_exits_the_mappings_are_timed_up_to_them(network, images):
    policy = ExitPolicy(network.digest, "margin", (0, None, None))  # every sample stops in the first step
    whole = sd.place(network, chip="loihi1", inputs=images, objective="latency")
    early = sd.place(network, chip="loihi1", inputs=images, objective="latency", exits=policy)
    assert whole.trade is not None and early.trade is not None
    for one, other in zip(
        (whole.trade.fewest, *whole.trade.balanced), (early.trade.fewest, *early.trade.balanced), strict=True
    ):
        assert other.latency.sample < one.latency.sample
        assert other.exits is not None
        assert other.exits.spread.mean == 1
    assert early.energy(images, exits=policy).latency == early.latency(images, exits=policy)
    with pytest.raises(UserError, match="only a placement for latency is timed"):
        sd.place(network, chip="loihi1", inputs=images, exits=policy)
