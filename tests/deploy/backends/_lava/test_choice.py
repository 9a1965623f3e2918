"""Which Lava process a connection becomes, without Lava."""

import numpy as np
import pytest

from snn_deploy.deploy.backends._lava.choice import Kind, estimated_seconds, kind_of
from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.layer_times import schedule


def convolution(out=2, per_group=2, kernel=3, **geometry):
    return IntegerConnection("c", "input", "out", np.full((out, per_group, kernel, kernel), 100), **geometry)


@pytest.mark.parametrize(
    ("connection", "shape", "kind"),
    [
        (convolution(), (2, 8, 8), Kind.CONVOLUTION),
        (convolution(padding=(1, 1), pool=(2, 2)), (2, 8, 8), Kind.CONVOLUTION),
        (convolution(padding=(1, 1), pool=(2, 2)), (2, 9, 8), Kind.SPARSE),  # the remainder
        (convolution(out=128, per_group=1, groups=128), (128, 8, 8), Kind.SPARSE),  # 128 groups in int8
        (convolution(kernel=9, exponent=3), (2, 9, 9), Kind.SPARSE),  # sums that Conv wraps
        (convolution(out=32, per_group=16, padding=(1, 1)), (16, 14, 14), Kind.SPARSE),  # many times quicker
        (convolution(out=64, per_group=64, padding=(1, 1)), (64, 32, 32), Kind.CONVOLUTION),  # too many for a matrix
        (IntegerConnection("d", "input", "out", np.ones((3, 128))), (2, 8, 8), Kind.DENSE),
    ],
)
def test_a_connection_becomes_the_process_that_holds_it(connection, shape, kind):
    c = connection
    reached = target_shape(shape, c.weights.shape, c.stride, c.padding, c.dilation, c.pool)
    output = IntegerPopulation(c.target, reached, 0, 0, 0, 0)
    entry = IntegerInput(c.source, shape, 1 if shape[0] > 2 else 255)
    assert kind_of(IntegerNetwork(entry, (output,), (c,), steps=1), c) is kind


def test_more_samples_take_longer():
    connection = IntegerConnection("d", "input", "out", np.ones((3, 128)))
    output = IntegerPopulation("out", (3,), 0, 0, 0, 0)
    network = IntegerNetwork(IntegerInput("input", (128,)), (output,), (connection,), steps=4)
    one, two, many = (estimated_seconds(network, schedule(network), n) for n in (1, 2, 1002))
    assert 0 < one < two
    np.testing.assert_allclose(many - two, 1000 * (two - one))


def test_lava_dl_which_may_not_choose_takes_longer_where_a_matrix_is_quicker():
    output = IntegerPopulation("out", (32, 14, 14), 0, 0, 0, 0)
    connection = convolution(out=32, per_group=16, padding=(1, 1))
    network = IntegerNetwork(IntegerInput("input", (16, 14, 14), 1), (output,), (connection,), steps=4)
    free, bound = (estimated_seconds(network, schedule(network), 10, may_choose=m) for m in (True, False))
    assert free < bound
