"""Pass: turn average pooling into sum pooling, with 1 / window area in the weights.

Spikes are then summed as whole numbers. For windows of 2x2 the factor is a power of two, so it is exact.
"""

from dataclasses import replace

from snn_deploy.export.passes.graph_pass import SUM_POOLING, GraphPass
from snn_deploy.network.float_network import FloatConnection, FloatNetwork


def absorb_average_pool(network: FloatNetwork) -> FloatNetwork:
    """Return an equal network in which every pooling is a sum; `network` itself is left unchanged."""
    return replace(network, connections=tuple(_absorb(c) for c in network.connections))


def _absorb(connection: FloatConnection) -> FloatConnection:
    if connection.pool_mode == "sum":
        return connection
    area = connection.pool[0] * connection.pool[1]
    # A norm acts on the current after the weights: its statistics belong to averages and stay valid, as the
    # current does not change.
    return replace(connection, weights=connection.weights / area, pool_mode="sum")


ABSORB_AVERAGE_POOL = GraphPass(absorb_average_pool, establishes=(SUM_POOLING,))
