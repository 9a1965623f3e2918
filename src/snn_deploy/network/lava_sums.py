"""lava_sums: which sums of a connection Lava's processes hold, on its simulation of Loihi."""

import numpy as np

from snn_deploy.network.expand_pooling import expand_pooling, pooling_expands
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_weighted_value
from snn_deploy.network.state_units import STATE_HALF

CONV_SUM = STATE_HALF  # Conv wraps its sums at 24 bits (Lava conv/models.py, clamp_precision)
_INT8 = 127  # Conv keeps stride, padding, dilation and groups in int8 and computes with them there


def largest_sum(network: IntegerNetwork, connection: IntegerConnection) -> int:
    """Return the largest absolute sum that one step can bring to one target neuron."""
    weights = connection.weights.reshape(len(connection.weights), -1).astype(np.int64)
    per_target = np.maximum(weights.clip(min=0).sum(axis=1), -weights.clip(max=0).sum(axis=1)).max()
    return int(per_target) * largest_weighted_value(network.input, connection) << connection.exponent


def misfit_of_convolution(network: IntegerNetwork, connection: IntegerConnection) -> str | None:
    """Return what of the convolution Lava's Conv process does not hold exactly, None where it holds it."""
    source_shape = network.shape_of(connection.source)
    if not pooling_expands(connection, source_shape):
        return "whose padding reaches where its pooling leaves a remainder, which no plain convolution does"
    reached = largest_sum(network, connection)
    if reached >= CONV_SUM:
        return f"whose weights can bring sums of {reached} in one step; Lava's Conv holds {CONV_SUM - 1}"
    expanded = expand_pooling(connection, source_shape)
    reaches = [d * (k - 1) + 1 for d, k in zip(expanded.dilation, expanded.weights.shape[2:], strict=True)]
    doubled = [2 * p for p in expanded.padding]
    largest = max(*expanded.stride, *doubled, *reaches, expanded.groups)
    if largest > _INT8:
        return f"with {largest} groups, or a stride, padding or kernel that long; Lava's Conv holds {_INT8}"
    return None
