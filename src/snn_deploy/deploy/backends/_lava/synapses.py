"""A connection as a Lava process: Conv, Dense or Sparse, with the sums of every weight exact.

Dense and Sparse clear the lowest bit of weights with mixed signs, so they get doubled weights and half the
scale; weights of one sign that need eight bits without it are told so. Conv ignores its weight exponent, so it gets
weights that are scaled already.
"""

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode

from snn_deploy.deploy.backends._lava.choice import Kind, kind_of
from snn_deploy.deploy.backends._lava.files import lava_shape
from snn_deploy.deploy.running.synapse_matrix import convolution_matrix, dense_matrix
from snn_deploy.network.expand_pooling import expand_pooling
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_sent_value

_GRADED_BITS = 8  # a graded input is uint8


def synapses(network: IntegerNetwork, connection: IntegerConnection, *, may_be_sparse: bool = True) -> AbstractProcess:
    """Return the process with ports s_in and a_out; Dense and Sparse take and give flat vectors.

    may_be_sparse: else every convolution is a Conv, which must hold it (misfit_of_convolution).
    """
    source_shape = network.shape_of(connection.source)
    is_graded = largest_sent_value(network.input, connection.source) > 1
    message_bits = _GRADED_BITS if is_graded else 0
    kind = kind_of(network, connection)
    if kind is Kind.CONVOLUTION or (kind is Kind.SPARSE and not may_be_sparse):
        return _convolution(expand_pooling(connection, source_shape), source_shape, message_bits)
    mode = _sign_mode(connection)
    doubled = int(mode == SignMode.MIXED)
    exact = {"weight_exp": connection.exponent - doubled, "sign_mode": mode}
    if kind is Kind.DENSE:
        weights = dense_matrix(connection, source_shape) << doubled
        return Dense(weights=weights, num_message_bits=message_bits, **exact)
    matrix = convolution_matrix(connection, source_shape)
    matrix.data <<= doubled
    # Sparse sums graded spikes as a matrix product, many times quicker than its way with single bits.
    return Sparse(weights=matrix, num_message_bits=_GRADED_BITS, **exact)


def _sign_mode(connection: IntegerConnection) -> SignMode:
    if connection.weights.dtype == np.int8:
        return SignMode.MIXED
    return SignMode.EXCITATORY if connection.weights.max() > 0 else SignMode.INHIBITORY


def _convolution(connection: IntegerConnection, source_shape: tuple[int, ...], message_bits: int) -> AbstractProcess:
    weights = connection.weights.astype(np.int32) << connection.exponent
    return Conv(
        weight=weights[:, :, ::-1, ::-1].transpose(0, 3, 2, 1),
        input_shape=lava_shape(source_shape),
        stride=connection.stride[::-1],
        padding=connection.padding[::-1],
        dilation=connection.dilation[::-1],
        groups=connection.groups,
        num_message_bits=message_bits,
    )
