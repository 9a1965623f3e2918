"""Expanded pooling against connection_arithmetic.transmit, which pools first and convolves then."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snn_deploy.export.expand_pooling import expand_pooling, pooling_expands
from snn_deploy.export.integer_network import IntegerConnection
from snn_deploy.export.integer_semantics import delivered
from snn_deploy.train.connection_arithmetic import target_shape
from snn_deploy.user_error import UserError


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


@given(pooled_connections())
def test_a_convolution_is_refused_only_where_expanding_would_change_it(drawn):
    connection, source_shape, _ = drawn
    # One axis alone, so that no column in the padding hides a row that is read.
    connection = replace(connection, pool=(connection.pool[0], 1), padding=(connection.padding[0], 0))
    assume(source_shape[2] >= connection.dilation[1] * (connection.weights.shape[3] - 1) + 1)
    assume(not pooling_expands(connection, source_shape))
    with pytest.raises(UserError, match=r"connection 'pooled'.*remainder"):
        expand_pooling(connection, source_shape)
    # Without the neurons that pooling leaves out it would be possible: they are what makes the difference.
    whole = tuple(n // w * w for n, w in zip(source_shape[1:], connection.pool, strict=True))
    expanded = expand_pooling(connection, (source_shape[0], *whole))
    left_out = np.ones((1, *source_shape), int)
    left_out[:, :, : whole[0], : whole[1]] = 0
    ones = IntegerConnection(
        "ones",
        "a",
        "b",
        np.ones_like(expanded.weights),
        stride=expanded.stride,
        padding=expanded.padding,
        dilation=expanded.dilation,
        groups=expanded.groups,
    )
    assert delivered(ones, left_out).any()


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
