"""Expanded pooling against connection_arithmetic.transmit, which pools first and convolves then."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.expand_pooling import expand_pooling, pooling_expands
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.network.integer_semantics import delivered
from snn_deploy.support.user_error import UserError


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


@st.composite
def pooled_connections(draw):
    """Draw (connection, source shape) with pooling, padding, stride, dilation and groups."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups, height, width = draw(st.integers(1, 2)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    source_shape = (groups * draw(st.integers(1, 2)), height, width)
    kernel = draw(pairs(1, 3))
    weights = rng.integers(-128, 128, (groups * draw(st.integers(1, 2)), source_shape[0] // groups, *kernel))
    connection = IntegerConnection(
        "pooled",
        "a",
        "b",
        weights,
        draw(st.integers(0, 2)),
        stride=draw(pairs(1, 3)),
        padding=draw(pairs(0, 2)),
        dilation=draw(pairs(1, 2)),
        groups=groups,
        pool=draw(pairs(1, 3)),
    )
    c = connection
    assume(min(source_shape[1] // c.pool[0], source_shape[2] // c.pool[1]) > 0)
    assume(min(target_shape(source_shape, weights.shape, c.stride, c.padding, c.dilation, c.pool)) > 0)
    return connection, source_shape, rng.integers(0, 256, (2, *source_shape))


@given(pooled_connections())
def test_an_expanded_convolution_brings_the_same_sums(drawn):
    connection, source_shape, values = drawn
    assume(pooling_expands(connection, source_shape))
    expanded = expand_pooling(connection, source_shape)
    assert expanded.pool == (1, 1)
    np.testing.assert_array_equal(delivered(expanded, values), delivered(connection, values))


def test_a_convolution_is_refused_only_where_expanding_would_change_it():
    refused = 0
    choices = product(range(2, 9), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2), (2, 3))
    for height, kernel, stride, padding, dilation, pool in choices:
        reach = dilation * (kernel - 1) + 1
        if height < pool or height // pool + 2 * padding < reach:
            continue
        connection = IntegerConnection(
            "pooled",
            "a",
            "b",
            np.ones((1, 1, kernel, 1)),
            stride=(stride, 1),
            padding=(padding, 0),
            dilation=(dilation, 1),
            pool=(pool, 1),
        )
        left_out = np.ones((1, 1, height, 1), int)
        left_out[:, :, : height // pool * pool] = 0
        # Expanded as if nothing were left out, it is a plain kernel; what it reads of the rest is the error.
        plain = expand_pooling(connection, (1, height // pool * pool, 1))
        changes = bool(delivered(plain, left_out).any())
        assert pooling_expands(connection, (1, height, 1)) is not changes
        if changes:
            refused += 1
            with pytest.raises(UserError, match=r"connection 'pooled'.*remainder"):
                expand_pooling(connection, (1, height, 1))
    assert refused > 20


@given(st.integers(0, 2**32 - 1), pairs(1, 3), pairs(3, 8))
def test_an_expanded_dense_connection_brings_the_same_sums(seed, pool, size):
    rng = np.random.default_rng(seed)
    source_shape = (2, *size)
    inputs = 2 * (size[0] // pool[0]) * (size[1] // pool[1])
    connection = IntegerConnection("dense", "a", "b", rng.integers(-128, 128, (3, inputs)), pool=pool)
    values = rng.integers(0, 256, (2, *source_shape))
    expanded = expand_pooling(connection, source_shape)
    np.testing.assert_array_equal(delivered(expanded, values), delivered(connection, values))


def test_three_by_three_after_two_by_two_becomes_six_by_six_with_stride_two():
    weights = np.arange(9).reshape(1, 1, 3, 3)
    connection = IntegerConnection("c", "a", "b", weights, padding=(1, 1), pool=(2, 2))
    expanded = expand_pooling(connection, (1, 8, 8))
    assert (expanded.weights.shape, expanded.stride, expanded.padding) == ((1, 1, 6, 6), (2, 2), (2, 2))
    assert expanded.weights[0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert connection.pool == (2, 2)  # the original is as it was
