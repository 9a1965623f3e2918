"""Which Lava process a connection becomes, what that costs, and which sums Lava cannot hold."""

from enum import Enum

import numpy as np

from snn_deploy.network.connection_arithmetic import target_shape
from snn_deploy.network.expand_pooling import expand_pooling
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.lava_sums import CONV_SUM, largest_sum, misfit_of_convolution
from snn_deploy.network.layer_times import Schedule
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.support.user_error import UserError

_STATE_SUM = 2**31 - 2**25  # LIF adds current, potential and bias in 32 bits (Lava lif/models.py)

# Measured on two cores of a small virtual machine with Lava 0.10.0, numpy 1.26, scipy 1.17; estimates elsewhere.
_SECONDS_TO_START, _SECONDS_TO_START_A_PROCESS = 1.2, 0.08
_SECONDS_PER_STEP_AND_PROCESS = 4e-4
_SECONDS_PER_PAIR = 1e-5  # one call of convolve2d, for each pair of channels
_SECONDS_PER_PAIR_PRODUCT = 1.6e-9  # one multiplication inside it
_SECONDS_PER_SYNAPSE = 5.5e-10  # of a Sparse matrix
_SECONDS_PER_WEIGHT = 6e-10  # of a Dense matrix
_WORTH_A_MATRIX = 1e-3  # seconds per step; below that a convolution stays what it is on the chip
_MOST_SYNAPSES = 8_000_000  # of a Sparse matrix: 8 bytes each, held several times while Lava starts


class Kind(Enum):
    """The Lava processes for connections."""

    CONVOLUTION = "Conv"
    DENSE = "Dense"
    SPARSE = "Sparse"


def kind_of(network: IntegerNetwork, connection: IntegerConnection) -> Kind:
    """Return the process that holds the connection exactly and, where two do, does not waste time."""
    if connection.weights.ndim == 2:
        return Kind.DENSE
    if misfit_of_convolution(network, connection):
        return Kind.SPARSE
    source_shape = network.shape_of(connection.source)
    if synapse_count(connection, source_shape) > _MOST_SYNAPSES:
        return Kind.CONVOLUTION
    saved = _seconds_per_step(Kind.CONVOLUTION, connection, source_shape) - _seconds_per_step(
        Kind.SPARSE, connection, source_shape
    )
    return Kind.SPARSE if saved > _WORTH_A_MATRIX else Kind.CONVOLUTION


def synapse_count(connection: IntegerConnection, source_shape: tuple[int, ...]) -> int:
    """Return the synapses of the connection without those that end in the padding being left out."""
    c = connection
    target = target_shape(source_shape, c.weights.shape, c.stride, c.padding, c.dilation, c.pool)
    per_target = c.weights[0].size if c.weights.ndim == 4 else c.weights.shape[1]
    return int(np.prod(target)) * per_target * c.pool[0] * c.pool[1]


def estimated_seconds(network: IntegerNetwork, plan: Schedule, samples: int, *, may_choose: bool = True) -> float:
    """Return about how long Lava takes, with its start; the processes share the machine's cores.

    may_choose: whether a convolution becomes what is quicker; lava-dl makes a Conv of each.
    """
    processes = 2 * len(network.populations) + len(network.connections) + 3
    per_step = processes * _SECONDS_PER_STEP_AND_PROCESS
    for c in network.connections:
        shape = network.shape_of(c.source)
        chosen = kind_of(network, c)
        kind = Kind.CONVOLUTION if chosen is Kind.SPARSE and not may_choose else chosen
        per_step += _seconds_per_step(kind, c, shape)
        per_step += plan.slack(c) * _SECONDS_PER_STEP_AND_PROCESS
    start = _SECONDS_TO_START + processes * _SECONDS_TO_START_A_PROCESS
    return start + per_step * (samples * network.steps + plan.depth)


def check_sums(network: IntegerNetwork) -> None:
    """Raise UserError unless Lava's 32-bit arithmetic holds every sum that the network can reach."""
    for population in network.populations:
        reached = sum(largest_sum(network, c) for c in network.connections_to(population.name))
        # Above 2^24 one wrap does not bring the current back into 24 bits, so that it can grow from step to step.
        repeats = network.steps if population.current_keep.any() else 1
        if (reached << STATE_SHIFT) * repeats > _STATE_SUM:
            raise UserError(_too_large(population, reached, _STATE_SUM // repeats >> STATE_SHIFT))


def check_convolution_sums(network: IntegerNetwork) -> None:
    """Raise UserError where Lava's Conv process would wrap the sums of a convolution, which no chip does."""
    for c in network.connections:
        largest = largest_sum(network, c)
        if c.weights.ndim == 4 and largest >= CONV_SUM:
            raise UserError(
                f"connection {c.name!r}: sums of up to {largest} in one step; lava-dl makes a Conv process of every "
                f"convolution, which wraps sums beyond {CONV_SUM - 1}. Run it on the backend lava or cpu, which add "
                "them exactly, or export with --states proved."
            )


def _seconds_per_step(kind: Kind, connection: IntegerConnection, source_shape: tuple[int, ...]) -> float:
    if kind is Kind.DENSE:
        return synapse_count(connection, source_shape) * _SECONDS_PER_WEIGHT
    if kind is Kind.SPARSE:
        return synapse_count(connection, source_shape) * _SECONDS_PER_SYNAPSE
    weights = expand_pooling(connection, source_shape).weights
    pairs = weights.shape[0] * weights.shape[1]
    # convolve2d knows no stride: it computes every position and most are thrown away.
    products = pairs * int(np.prod(source_shape[1:])) * int(np.prod(weights.shape[2:]))
    return pairs * _SECONDS_PER_PAIR + products * _SECONDS_PER_PAIR_PRODUCT


def _too_large(population: IntegerPopulation, reached: int, allowed: int) -> str:
    return (
        f"population {population.name!r}: its weights can bring sums of {reached} in one step; Lava's 32-bit "
        f"arithmetic holds {allowed}. Export it with smaller weights or exponents, or use the backend cpu."
    )
