"""Which number types hold every sum of a network exactly, proved from its weights."""

from dataclasses import dataclass

import numpy as np

from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_partial_sum, largest_weighted_value
from snn_deploy.network.state_units import EXACT_IN_FLOAT32, STATE_HALF, STATE_SHIFT

_EXACT_IN_FLOAT64 = 2**53


@dataclass(frozen=True)
class SumBounds:
    """What the sums of a connection are made of, its source pooled; all without 2^exponent.

    source_shape: (channels, height, width) or (features,). largest_value: that meets a weight.
    largest_sum: sum |weight| * largest_value of the channel where that is most. No partial sum exceeds it either, so
    a number type that holds it adds exactly in any order.
    """

    source_shape: tuple[int, ...]
    largest_value: int
    largest_sum: int


def sum_bounds(network: IntegerNetwork, connection: IntegerConnection) -> SumBounds:
    """Return what the sums of `connection` in `network` are made of."""
    return SumBounds(
        pooled_shape(network.shape_of(connection.source), connection.pool),
        largest_weighted_value(network.input, connection),
        largest_partial_sum(network, connection),
    )


def sum_type(largest: int) -> type[np.floating]:
    """Return the fastest float type that is exact for sums up to `largest`."""
    if largest < EXACT_IN_FLOAT32:
        return np.float32
    # 2^53 takes a source of more than 2^38 neurons (int8 weights, uint8 values), far beyond any memory.
    assert largest < _EXACT_IN_FLOAT64
    return np.float64


def state_type(largest: int) -> type[np.signedinteger]:
    """Return the fastest integer type for the states of neurons whose arriving sums are at most `largest`.

    Up to 2^24 state units a step, a current of at most 2^23 stays so after one wrap, and no intermediate leaves
    32 bits; beyond, one wrap may not be enough and the current can grow.
    """
    return np.int32 if largest << STATE_SHIFT <= 2 * STATE_HALF else np.int64
