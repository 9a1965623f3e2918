"""largest_values: the largest values and sums that can occur at a connection, whatever the input shows.

They decide which number types add exactly, and what is proved of a network's states. The functions take integer
networks, float networks and connections that are still being planned.
"""

from typing import Protocol

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork


class Input(Protocol):
    """Where samples enter: an IntegerInput or a FloatInput."""

    @property
    def name(self) -> str:
        """The name that connections have as their source."""

    @property
    def largest_value(self) -> int:
        """The largest whole number that a sample holds: 255 for pixels, 1 for spikes."""


class Connection(Protocol):
    """A connection of any of the network types."""

    @property
    def source(self) -> str:
        """The population or input that it comes from."""

    @property
    def pool(self) -> Pair:
        """The window over which its source is summed."""


def largest_sent_value(entry: Input, source: str) -> int:
    """Return the largest value that a neuron of `source`, a population or the input `entry`, sends in a step."""
    return entry.largest_value if source == entry.name else 1


def largest_weighted_value(entry: Input, connection: Connection) -> int:
    """Return the largest value that one weight of `connection` is multiplied by: a sum over a pooling window.

    entry: the input of the connection's network.
    """
    return largest_sent_value(entry, connection.source) * connection.pool[0] * connection.pool[1]


def largest_partial_sum(network: IntegerNetwork, connection: IntegerConnection) -> int:
    """Return what no partial sum of `connection` exceeds in size, in whatever order it is added; without 2^exponent.

    It is sum |weight| * largest value, of the output channel where that is most.
    """
    # int16 holds every |weight|; int64 copies of large weights take longer than running some samples.
    sizes = np.abs(connection.weights.astype(np.int16)).reshape(len(connection.weights), -1)
    return int(sizes.sum(axis=1, dtype=np.int64).max()) * largest_weighted_value(network.input, connection)
