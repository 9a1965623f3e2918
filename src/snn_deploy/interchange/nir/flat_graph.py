"""flat_graph: a NIR graph without subgraphs, with one input and one output, and who feeds whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snn_deploy.support.user_error import UserError

ROUTES = ("Input", "Output")  # nodes that pass on what they get


@dataclass
class FlatGraph:
    """Nodes by name, as dictionaries of their fields, and the names of the nodes that feed each, sorted.

    Nodes of subgraphs are named SUBGRAPH.NODE. Inputs and outputs of subgraphs are gone; those of the whole graph stay.
    """

    nodes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    feeders: dict[str, list[str]] = field(default_factory=dict)
    input: str = ""
    output: str = ""


def flatten_graph(graph: Mapping[str, Any], where: str) -> FlatGraph:
    """Return `graph` (the form of nir.NIRGraph.to_dict()) without subgraphs; a broken structure is a UserError."""
    kind = graph.get("type") if isinstance(graph, Mapping) else type(graph).__name__
    if not (isinstance(graph, Mapping) and isinstance(kind, str) and kind == "NIRGraph"):
        raise UserError(f"{where}: its root is {kind!r}, not a NIRGraph. Write a graph with an Input and an Output.")
    nodes: dict[str, Mapping[str, Any]] = {}
    edges: list[tuple[str, str]] = []
    _unfold(graph, "", nodes, edges, where)
    top = {name for name in graph["nodes"] if not _is_graph(graph["nodes"][name])}
    ends = {kind: sorted(n for n in top if nodes[n]["type"] == kind) for kind in ROUTES}
    for kind, names in ends.items():
        if len(names) != 1:
            raise UserError(f"{where}: {len(names)} nodes of type {kind} ({', '.join(names)}); exactly one is allowed.")
    flat = FlatGraph(input=ends["Input"][0], output=ends["Output"][0])
    feeders: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        feeders[target].append(source)
    passed_on = {n for n in nodes if nodes[n]["type"] in ROUTES} - {flat.input, flat.output}
    for name, node in nodes.items():
        if name not in passed_on:
            flat.nodes[name] = node
            flat.feeders[name] = _real_feeders(name, feeders, passed_on, where)
    return flat


def _unfold(
    graph: Mapping[str, Any], prefix: str, nodes: dict[str, Mapping[str, Any]], edges: list[tuple[str, str]], where: str
) -> None:
    """Add the nodes and edges of `graph` and of the graphs in it, with names that start with `prefix`."""
    inside, pairs = graph.get("nodes"), graph.get("edges")
    if not isinstance(inside, Mapping) or pairs is None:
        raise UserError(f"{where}: the graph {prefix or 'at the root'} has no nodes or no edges. Export it again.")
    ends: dict[str, dict[str, str]] = {}  # subgraph -> its Input and its Output
    for name, node in inside.items():
        if not (isinstance(node, Mapping) and isinstance(node.get("type"), str)):
            raise UserError(f"{where}: the node {prefix}{name} has no type. Export it again.")
        if not _is_graph(node):
            nodes[prefix + name] = node
            continue
        _unfold(node, f"{prefix}{name}.", nodes, edges, where)
        ends[name] = {}
        for kind in ROUTES:
            found = [k for k, v in node["nodes"].items() if isinstance(v, Mapping) and v.get("type") == kind]
            if len(found) != 1:
                raise UserError(f"{where}: the subgraph {prefix}{name} has {len(found)} nodes of type {kind}, not one.")
            ends[name][kind] = f"{prefix}{name}.{found[0]}"
    for pair in pairs if np.ndim(pairs) else [pairs]:
        if np.shape(pair) != (2,):
            raise UserError(f"{where}: an edge that is no pair of nodes. Export it again.")
        source, target = (end.decode() if isinstance(end, bytes) else str(end) for end in pair)
        for end in (source, target):
            if end not in inside:
                raise UserError(f"{where}: an edge {prefix}{source} -> {prefix}{target}, but there is no node {end!r}.")
        edges.append(
            (
                ends[source]["Output"] if source in ends else prefix + source,
                ends[target]["Input"] if target in ends else prefix + target,
            )
        )


def _is_graph(node: Any) -> bool:
    return isinstance(node, Mapping) and node.get("type") == "NIRGraph"


def _real_feeders(name: str, feeders: Mapping[str, list[str]], passed_on: set[str], where: str) -> list[str]:
    """Return who feeds `name` once the ends of subgraphs are gone; an edge that stands twice is refused."""
    found: list[str] = []
    open_ends = list(feeders[name])
    seen: set[str] = set()
    while open_ends:
        feeder = open_ends.pop()
        if feeder not in passed_on:
            found.append(feeder)
        elif feeder not in seen:
            seen.add(feeder)
            open_ends += feeders[feeder]
    if len(set(found)) < len(found):
        twice = next(f for f in found if found.count(f) > 1)
        raise UserError(f"{where}: the edge {twice} -> {name} stands there twice. Write each edge once.")
    return sorted(found)
