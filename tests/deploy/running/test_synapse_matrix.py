"""Connections as matrices against the sums that the integer semantics deliver, without Lava."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snn_deploy.deploy.running.synapse_matrix import convolution_matrix, dense_matrix
from snn_deploy.deploy.verification.random_network import Features, random_network
from snn_deploy.network.integer_semantics import delivered


def in_lava_order(values):
    """Return (batch, neurons) of (batch, *shape): width first, channels last."""
    return values.transpose(0, *range(values.ndim - 1, 0, -1)).reshape(len(values), -1)


@given(st.integers(0, 2**32 - 1))
def test_a_matrix_brings_the_sums_of_its_connection(seed):
    network = random_network(seed, Features(exponents=False))
    rng = np.random.default_rng(seed)
    for connection in network.connections:
        shape = network.shape_of(connection.source)
        values = rng.integers(0, 256, (2, *shape))
        make = dense_matrix if connection.weights.ndim == 2 else convolution_matrix
        sums = make(connection, shape) @ in_lava_order(values).T
        np.testing.assert_array_equal(sums.T, in_lava_order(delivered(connection, values)))
