"""verify_layers names the layers that differ, and no layer that only hears one."""

from dataclasses import replace

import pytest
from helpers.lava_help import needs_lava

from snn_deploy.deploy.backends import reference
from snn_deploy.deploy.verification import verify_layers as verify_layers_module
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.deploy.verification.verify_layers import verify_layers
from snn_deploy.support.user_error import UserError


@pytest.fixture
def network():
    return next(n for n in map(random_network, range(100)) if len(n.populations) >= 4 and n.steps >= 4)


@pytest.fixture
def inputs(network):
    return random_inputs(network, samples=4, seed=11)


class Biased:
    """The reference, but these populations have another bias."""

    def __init__(self, *names):
        self.names = names

    def run(self, network, inputs, **options):
        spoiled = tuple(
            replace(p, bias=(p.bias + 2**16).clip(max=2**23 - 1)) if p.name in self.names else p
            for p in network.populations
        )
        return reference.run(replace(network, populations=spoiled), inputs, **options)


@pytest.mark.parametrize("position", [0, 1, -1])
def test_a_difference_stays_in_its_layer(network, inputs, monkeypatch, position):
    name = network.populations[position].name
    backends = {"reference": reference, "other": Biased(name)}
    monkeypatch.setattr(verify_layers_module, "load_backend", backends.__getitem__)
    finished = []

    found = verify_layers(network, inputs, list(backends), progress=finished.append)

    assert [(d.backend, d.population) for d in found.differences] == [("other", name)]
    assert sum(finished) == 4 * (1 + len(network.populations))
    assert len(found.operands) == 1
    assert set(found.samples_per_second()) == {"reference", "other"}


def test_working_backends_are_identical_layer_by_layer_and_count_the_same_spikes(network, inputs):
    found = verify_layers(network, inputs, ["reference", "cpu"])
    assert found.is_identical
    assert found.spikes == verify(network, inputs, ["reference", "cpu"]).spikes > 0


@needs_lava
def test_lava_runs_each_layer_of_a_network_with_joins_and_loops():
    network = next(
        n
        for n in (random_network(seed, Features(graded_input=False)) for seed in range(200))
        if len(n.connections) > len(n.populations) == 2 and any(c.source == c.target for c in n.connections)
    )
    assert verify_layers(network, random_inputs(network, 2, 3), ["reference", "lava"]).is_identical


def test_one_backend_is_refused(network, inputs):
    with pytest.raises(UserError, match="at least two"):
        verify_layers(network, inputs, ["reference"])
