"""A network says in one line what it is, however large."""

from helpers.small_network import one_kernel, one_neuron

from snn_deploy.deploy.verification.random_network import random_network


def test_a_small_network_names_its_populations():
    assert repr(one_neuron(steps=1)) == "IntegerNetwork(input 1, out 1; 1 weight, 1 step)"
    assert repr(one_kernel([[1, 2], [3, 4]], 5)) == "IntegerNetwork(input 1x5x5, out 1x4x4; 4 weights, 1 step)"


def test_a_large_network_is_one_short_line():
    for seed in range(20):
        assert len(repr(random_network(seed))) < 200
