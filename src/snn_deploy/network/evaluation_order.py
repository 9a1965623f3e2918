"""The order in which populations can be run: all steps of one at once wherever no loop forbids it."""

from graphlib import TopologicalSorter

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from snn_deploy.network.integer_network import IntegerNetwork


def blocks(network: IntegerNetwork) -> tuple[tuple[str, ...], ...]:
    """Return groups of population names; what a group needs of others is complete when its turn comes.

    A group is a set of populations that reach each other (they go step by step, in network order), or one alone.
    A delayed connection to an earlier population is no loop by itself: its source then simply goes first.
    """
    names = [p.name for p in network.populations]
    position = {name: i for i, name in enumerate(names)}
    inner = [c for c in network.connections if c.source != network.input.name]
    ends = [position[c.source] for c in inner], [position[c.target] for c in inner]
    edges = coo_array((np.ones(len(inner)), ends), shape=(len(names), len(names)))
    _, group_of = connected_components(edges, connection="strong")
    first_of = np.unique(group_of, return_index=True)[1]  # the group's first member stands for it
    first = {name: int(first_of[group]) for name, group in zip(names, group_of, strict=True)}
    order: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(first.values(), ()))
    for c in inner:
        if first[c.source] != first[c.target]:
            order.add(first[c.target], first[c.source])
    return tuple(tuple(n for n in names if first[n] == group) for group in order.static_order())


def is_recurrent(network: IntegerNetwork, block: tuple[str, ...]) -> bool:
    """Whether the populations of `block` feed themselves, so that a step needs the step before it."""
    return any(c.source in block and c.target in block for c in network.connections)
