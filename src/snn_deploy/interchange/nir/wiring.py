"""wiring: from the nodes of a NIR graph to populations in order, and to what reaches each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.interchange.nir.flat_graph import FlatGraph
from snn_deploy.interchange.nir.mapping import Mapped
from snn_deploy.interchange.nir.refusal import Refusals

_MOST_PATHS = 256


@dataclass(frozen=True)
class Path:
    """A way from a source, the input or neurons, to a target: the names of the operations in between, in order."""

    source: str
    target: str
    operations: tuple[str, ...]


def find_paths(graph: FlatGraph, mapped: Mapped, target: str) -> list[Path]:
    """Return every way that ends at `target`; a loop without neurons is a NodeError."""
    found: list[Path] = []
    open_ways: list[tuple[str, tuple[str, ...]]] = [(feeder, ()) for feeder in reversed(graph.feeders[target])]
    while open_ways:
        node, after = open_ways.pop()
        if node not in mapped.operations:
            found.append(Path(node, target, after))
        elif node in after:
            raise NodeError(
                f"a loop through {', '.join(after)} without neurons; its value is not defined step by step."
            )
        else:
            open_ways += [(feeder, (node, *after)) for feeder in reversed(graph.feeders[node])]
        if len(found) + len(open_ways) > _MOST_PATHS:
            raise NodeError(
                f"more than {_MOST_PATHS} ways lead to it without neurons in between. Put neurons between them."
            )
    return found


def constant_input(graph: FlatGraph, mapped: Mapped, target: str) -> np.ndarray:
    """Return what the biases of the operations before `target` bring to each of its neurons in every step."""
    known: dict[str, np.ndarray] = {}

    def value(node: str) -> np.ndarray:
        if node not in mapped.operations:
            return np.zeros(mapped.shapes[node])
        if node not in known:
            operation = mapped.operations[node]
            arriving = sum((value(f) for f in graph.feeders[node]), np.zeros(()))
            result = operation.apply(arriving[None])[0] if arriving.any() else np.zeros(mapped.shapes[node])
            if isinstance(operation, Convolution | Dense):
                result = result + operation.bias.reshape(-1, *[1] * (result.ndim - 1))
            known[node] = result
        return known[node]

    shape = mapped.shapes[target]
    return sum((value(f) for f in graph.feeders[target]), np.zeros(shape))


def evaluation_order(
    paths: Mapping[str, Sequence[Path]], source: str, output: str, given: Sequence[str] | None, refusals: Refusals
) -> list[str]:
    """Return the populations in the order in which a step evaluates them; the output is the last.

    paths: population -> the ways to it. given: the order that a file states, or None. Otherwise a population follows
    those that feed it, and where a loop leaves none free, the one nearest to the input goes first; ties go by name.
    """
    feeding = {name: {p.source for p in ways} for name, ways in paths.items()}
    needed, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in needed and name in feeding:
            needed.add(name)
            waiting += feeding[name]
    for name in feeding:
        if name not in needed:
            refusals.reasons[name] = "nothing leads from it to the Output."
    if given is not None and sorted(given) == sorted(feeding) and given[-1] == output:
        return list(given)
    distance = _distances(feeding, source)
    order: list[str] = []
    left = set(feeding) - {output}
    while left:
        free = [n for n in left if not (feeding[n] & left - {n})]
        nearest = min(free or left, key=lambda n: (distance.get(n, len(feeding)), n))
        order.append(nearest)
        left.remove(nearest)
    return [*order, output]


def _distances(feeding: Mapping[str, set[str]], source: str) -> dict[str, int]:
    distance = {source: 0}
    frontier, steps = {source}, 0
    while frontier:
        steps += 1
        frontier = {n for n, feeders in feeding.items() if n not in distance and feeders & frontier}
        distance |= dict.fromkeys(frontier, steps)
    return distance
