"""Which number types hold every sum of a network exactly, proved from its weights."""

import numpy as np

from snn_deploy.export.integer_network import STATE_SHIFT, IntegerConnection, IntegerNetwork

HALF = 2**23  # states have 24 bits (integer_semantics)
_EXACT_IN_FLOAT32 = 2**24  # every whole number up to here has a float32 (IEEE 754, 24-bit significand)
_EXACT_IN_FLOAT64 = 2**53


def largest_sums(network: IntegerNetwork, connection: IntegerConnection) -> np.ndarray:
    """Return (out,) int64: what the sum of each output channel never exceeds in size, without 2^exponent.

    That is sum |weight| times the largest pooled source value. It bounds every partial sum as well, so a float
    type that holds it adds exactly in any order.
    """
    is_graded = connection.source == network.input.name
    largest_value = (network.input.largest_value if is_graded else 1) * connection.pool[0] * connection.pool[1]
    weights = connection.weights.astype(np.int64)
    return np.abs(weights).reshape(len(weights), -1).sum(axis=1) * largest_value


def sum_type(largest: int) -> type[np.floating]:
    """Return the fastest float type that is exact for sums up to `largest`."""
    if largest < _EXACT_IN_FLOAT32:
        return np.float32
    # 2^53 takes a source of more than 2^38 neurons (int8 weights, uint8 values), far beyond any memory.
    assert largest < _EXACT_IN_FLOAT64
    return np.float64


def state_type(largest: int) -> type[np.signedinteger]:
    """Return the fastest integer type for the states of neurons whose arriving sums are at most `largest`.

    Up to 2^24 state units a step, a current of at most 2^23 stays so after one wrap, and no intermediate leaves
    32 bits; beyond, one wrap may not be enough and the current can grow.
    """
    return np.int32 if largest << STATE_SHIFT <= 2 * HALF else np.int64
