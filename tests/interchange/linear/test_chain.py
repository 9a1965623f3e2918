"""A chain of linear operations is one connection that does the same."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snn_deploy.interchange.linear.chain import connection_fields
from snn_deploy.interchange.linear.operations import Convolution, Dense, Flatten, NodeError, Pool, Scale
from snn_deploy.network.connection_arithmetic import transmit


def random_chain(rng, shape):
    """Return (operations, shape after them), whole numbers throughout."""
    operations = []
    for _ in range(int(rng.integers(0, 5))):
        kind = rng.choice(["convolution", "pool", "scale", "flatten", "dense"])
        if kind == "convolution" and len(shape) == 3:
            groups = shape[0] if rng.random() < 0.4 else 1
            weights = rng.integers(
                -3, 4, (groups * int(rng.integers(1, 3)), shape[0] // groups, *rng.integers(1, 4, 2))
            )
            stride, dilation = (tuple(int(v) for v in rng.integers(1, 3, 2)) for _ in range(2))
            padding = tuple(int(v) for v in rng.integers(0, 2, 2)) if not operations else (0, 0)
            operation = Convolution(weights, np.zeros(len(weights)), stride, padding, dilation, groups)
        elif kind == "pool" and len(shape) == 3:
            operation = Pool(tuple(int(v) for v in rng.integers(1, 3, 2)), str(rng.choice(["sum", "average"])))
        elif kind == "scale":
            per_channel = rng.integers(1, 4, shape[0])
            operation = Scale(per_channel.reshape(-1, 1, 1) if len(shape) == 3 else per_channel)
        elif kind == "flatten":
            operation = Flatten(0, -1, None)
        elif kind == "dense" and len(shape) == 1:
            weights = rng.integers(-3, 4, (int(rng.integers(1, 5)), shape[0]))
            operation = Dense(weights, np.zeros(len(weights)))
        else:
            continue
        try:
            shape = operation.output_shape(shape)
        except NodeError:
            continue
        operations.append(operation)
    return operations, shape


@settings(max_examples=300)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_connection_does_what_the_operations_do(seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 4)), int(rng.integers(2, 10)), int(rng.integers(2, 10)))
    operations, _ = random_chain(rng, shape)
    values = expected = rng.integers(0, 5, (2, *shape)).astype(float)
    for operation in operations:
        expected = operation.apply(expected)
    try:
        fields = connection_fields(operations, shape)
    except NodeError:
        assume(False)
    assert fields.pop("delay") == 0
    area = np.prod(fields["pool"]) if fields.pop("pool_mode") == "average" else 1
    found = transmit(values, fields.pop("weights"), **fields) / area
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_most_random_chains_can_be_composed():
    refused = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        operations, _ = random_chain(rng, (2, 7, 8))
        try:
            connection_fields(operations, (2, 7, 8))
        except NodeError:
            refused += 1
    assert refused < 20


def test_padding_between_convolutions_is_refused_except_after_a_pointwise_one():
    three = Convolution(np.ones((1, 1, 3, 3)), np.zeros(1), padding=(1, 1))
    one = Convolution(np.full((1, 1, 1, 1), 2.0), np.zeros(1))
    with pytest.raises(NodeError, match="its zeros are no zeros of the input"):
        connection_fields([three, three], (1, 5, 5))
    fields = connection_fields([one, three], (1, 5, 5))
    assert fields["padding"] == (1, 1) and (fields["weights"] == 2).all()


def test_a_scale_that_differs_within_a_channel_is_refused_where_a_kernel_is_shared():
    scale = Scale(np.arange(1, 26).reshape(1, 5, 5))
    with pytest.raises(NodeError, match=r"scale differs within channel 0 \(1..25\)"):
        connection_fields([scale, Convolution(np.ones((1, 1, 3, 3)), np.zeros(1))], (1, 5, 5))
    fields = connection_fields([scale, Flatten(0, -1, None), Dense(np.ones((2, 25)), np.zeros(2))], (1, 5, 5))
    np.testing.assert_array_equal(fields["weights"], np.tile(np.arange(1, 26), (2, 1)))
