"""Messages of a cut, against every spike of every neuron and every block, one by one."""

import numpy as np
import pytest

from snn_deploy.deploy.mapping.cutting.cuts import cuts
from snn_deploy.deploy.mapping.cutting.fewest_messages import fewest_messages
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

CASES = {
    "conv": {"weights": (6, 4, 3, 3), "padding": (1, 1)},
    "strided": {"weights": (6, 4, 3, 3), "stride": (2, 2), "padding": (1, 1)},
    "pooled": {"weights": (6, 4, 3, 3), "padding": (1, 1), "pool": (2, 2)},
    "groups": {"weights": (8, 2, 3, 3), "padding": (1, 1), "groups": 2},
    "dense": {"weights": (6, 4 * 9 * 8)},
}


def network_of(case, rng):
    options = {key: value for key, value in CASES[case].items() if key != "weights"}
    weights = rng.integers(1, 9, CASES[case]["weights"])
    given = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "pool": (1, 1)} | options
    shape = transmit(np.zeros((1, 4, 9, 8)), weights.astype(float), **given).shape[1:]
    zeros = np.zeros(shape[0], int)
    return IntegerNetwork(
        IntegerInput("input", (4, 9, 8)),
        (IntegerPopulation("target", shape, zeros + 9, zeros, zeros, zeros),),
        (IntegerConnection("c", "input", "target", weights, **options),),
        2,
    )


def messages_one_by_one(network, spikes, cut):
    (c,) = network.connections
    options = {"stride": c.stride, "padding": c.padding, "dilation": c.dilation, "groups": c.groups, "pool": c.pool}
    total = 0.0
    for place in np.ndindex(*spikes.shape):
        one = np.zeros((1, *spikes.shape))
        one[0][place] = 1
        reached = transmit(one, c.weights.astype(float), **options)[0] > 0
        blocks = (reached[tuple(slice(a, b) for a, b in zip(p.start, p.stop, strict=True))] for p in cut.parts())
        total += spikes[place] * sum(block.any() for block in blocks)
    return total


@pytest.mark.parametrize("case", CASES)
def test_cuts_are_ordered_by_the_messages_of_every_single_spike(case):
    rng = np.random.default_rng(3)
    network = network_of(case, rng)
    model = Model(network, load_profile("loihi2"))
    spikes = rng.integers(0, 3, (2, 4, 9, 8)).astype(float)
    every = cuts(model, network.populations[0], 3)
    possible = every[:: max(1, len(every) // 8)]
    assert len(possible) > 1
    ordered = fewest_messages({"input": spikes})(model, {"target": possible})["target"]
    counted = [messages_one_by_one(network, spikes.sum(axis=0), cut) for cut in ordered]
    assert counted == sorted(counted)
    assert counted[0] < counted[-1]
    assert sorted(ordered, key=str) == sorted(possible, key=str)
