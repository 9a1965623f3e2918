"""The largest value and sum at a connection, for every path that must add exactly."""

import numpy as np
from helpers.small_network import one_kernel, one_neuron

from snn_deploy.network.largest_values import largest_partial_sum, largest_sent_value, largest_weighted_value


def test_pixels_and_pooling_multiply_and_spikes_are_ones():
    network = one_kernel(np.ones((1, 1), int), 4, pool=(2, 2))
    (connection,) = network.connections
    assert largest_sent_value(network.input, "input") == 255
    assert largest_sent_value(network.input, "out") == 1
    assert largest_weighted_value(network.input, connection) == 255 * 4


def test_a_partial_sum_has_every_weight_with_its_size():
    network = one_neuron(-3, steps=1, inputs=5)
    assert largest_partial_sum(network, network.connections[0]) == 3 * 5 * network.input.largest_value
