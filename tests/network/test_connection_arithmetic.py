"""The plain numpy sums equal torch's, for every geometry."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from snn_deploy.deploy.verification.random_network import Features, random_network
from snn_deploy.network.connection_arithmetic import output_length, pooled_shape, sum_pool, target_shape, transmit

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds)
@settings(max_examples=150)
def test_transmit_equals_torch(seed):
    network = random_network(seed, Features(loops=False, most_populations=3))
    rng = np.random.default_rng(seed)
    for c in network.connections:
        shape = network.shape_of(c.source)
        values = rng.integers(0, 256, (2, *shape))
        geometry = {"stride": c.stride, "padding": c.padding, "dilation": c.dilation, "pool": c.pool}
        found = transmit(values, c.weights.astype(np.int64), groups=c.groups, **geometry)
        x, weights = torch.from_numpy(values).double(), torch.from_numpy(c.weights.copy()).double()
        if c.pool != (1, 1):
            x = functional.avg_pool2d(x, c.pool) * (c.pool[0] * c.pool[1])
        if c.weights.ndim == 4:
            expected = functional.conv2d(x, weights, None, c.stride, c.padding, c.dilation, c.groups)
        else:
            expected = functional.linear(x.flatten(1), weights)
        np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-6)
        assert found.dtype == np.int64
        assert found.shape[1:] == target_shape(shape, c.weights.shape, **geometry)


def test_a_kernel_is_laid_over_the_image_as_it_is_written():
    image = np.arange(9).reshape(1, 1, 3, 3)
    assert transmit(image, np.array([[[[1, 10], [100, 1000]]]])).tolist() == [[[[4310, 5421], [7643, 8754]]]]


def test_a_dense_connection_reads_channels_then_rows_then_columns():
    values = np.arange(8).reshape(1, 2, 2, 2)
    assert transmit(values, np.eye(8, dtype=int)).tolist() == [[0, 1, 2, 3, 4, 5, 6, 7]]


def test_each_group_of_channels_sees_its_own_part_of_the_source():
    values = np.array([1, 2, 3, 4]).reshape(1, 4, 1, 1)
    weights = np.array([[1, 10], [100, 1000]]).reshape(2, 2, 1, 1)
    assert transmit(values, weights, groups=2).ravel().tolist() == [21, 4300]


def test_sum_pooling_keeps_the_number_type_and_leaves_a_remainder_out():
    values = np.arange(15, dtype=np.int64).reshape(1, 3, 5)
    pooled = sum_pool(values, (2, 3))
    assert pooled.tolist() == [[[0 + 1 + 2 + 5 + 6 + 7]]]
    assert pooled.dtype == np.int64
    assert pooled_shape((1, 3, 5), (2, 3)) == (1, 1, 1)


@given(height=st.integers(1, 12), rows=st.integers(1, 5))
def test_pooling_with_a_window_larger_than_the_map_leaves_nothing(height, rows):
    assert pooled_shape((1, height, 4), (rows, 1)) == (1, height // rows, 4)


def test_the_length_of_an_output_is_how_often_the_kernel_fits():
    assert output_length(28, kernel=3, stride=1, padding=1, dilation=1) == 28
    assert output_length(7, kernel=3, stride=2, padding=0, dilation=1) == 3
    assert output_length(7, kernel=3, stride=2, padding=0, dilation=3) == 1
    assert output_length(2, kernel=5, stride=2, padding=0, dilation=1) < 1  # does not fit at all
