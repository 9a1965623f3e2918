"""arriving_synapses: every synapse of one connection that ends at one neuron, written out."""

from dataclasses import dataclass
from itertools import product

from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection


@dataclass(frozen=True)
class Synapse:
    """A synapse: of which connection, from which neuron of its source, its weight as stored.

    index: (channel, row, column) or (feature,). contribution: weight * 2^exponent, what a spike of 1 adds to the sum.
    """

    connection: str
    source: str
    index: tuple[int, ...]
    weight: int
    contribution: int


def arriving_synapses(c: IntegerConnection, source_shape: tuple[int, ...], target: tuple[int, ...]) -> list[Synapse]:
    """Return the synapses of `c` at the neuron `target`, an index of its population; those in the padding are none."""
    pooled = pooled_shape(source_shape, c.pool)
    if c.weights.ndim == 2:
        places = list(product(*map(range, pooled)))  # flattened in this order
        pairs = zip(places, c.weights[target[0]].tolist(), strict=True)
    else:
        out, row, column = target
        _, per_group, height, width = c.weights.shape
        first = out // (len(c.weights) // c.groups) * per_group
        top = row * c.stride[0] - c.padding[0]
        left = column * c.stride[1] - c.padding[1]
        kernel = product(range(per_group), range(height), range(width))
        pairs = (  # type: ignore[assignment]
            (place, int(c.weights[out, i, y, x]))
            for i, y, x in kernel
            if 0 <= (place := (first + i, top + y * c.dilation[0], left + x * c.dilation[1]))[1] < pooled[1]
            and 0 <= place[2] < pooled[2]
        )
    return [
        Synapse(c.name, c.source, index, weight, weight << c.exponent)
        for place, weight in pairs
        for index in _window(place, c.pool)
    ]


def _window(place: tuple[int, ...], pool: tuple[int, int]) -> list[tuple[int, ...]]:
    """Return the neurons that one place of the pooled source sums."""
    if pool == (1, 1):
        return [place]
    channel, row, column = place
    return [(channel, row * pool[0] + y, column * pool[1] + x) for y in range(pool[0]) for x in range(pool[1])]
