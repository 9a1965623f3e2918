"""read_nir: a NIR graph (Neuromorphic Intermediate Representation, Pedersen et al. 2024) as a FloatNetwork.

NIR is continuous in time and says nothing about steps, resets by subtraction or the range of inputs: `NirReading`
states it, or the convention of the framework that wrote the file (nir/written_by/). What nodes are: nir/, the equations
in neurons.py; how weights join: linear/chain.py; what becomes of them: nir/populations.py. Names stay, as far as they
are legal. A loop gets a delay of one step where it goes back. A graph that ends in weights, not in neurons, gets a
population that sums their result over the steps.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.interchange.load_hdf5 import Kind, load_hdf5
from snn_deploy.interchange.nir import wiring
from snn_deploy.interchange.nir.convention import BY_DEFINITION, OURS, Convention, convention_of, described
from snn_deploy.interchange.nir.flat_graph import FlatGraph, flatten_graph
from snn_deploy.interchange.nir.mapping import Mapped, map_nodes
from snn_deploy.interchange.nir.names import legal_names
from snn_deploy.interchange.nir.neurons import Neurons, Steps
from snn_deploy.interchange.nir.populations import Wired, build
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.nir.refusal import Refusals
from snn_deploy.interchange.nir.statement import Statement, read_statement
from snn_deploy.network.float_network import FloatInput, FloatNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

_FILE = Kind("NIR file", "node", "nir.write")  # HDF5: the group is the root graph, as nir.NIRGraph.to_dict() has it


class NirGraph(Protocol):
    """A nir.NIRGraph."""

    def to_dict(self) -> dict[str, Any]:
        """Return its nodes and edges as plain dictionaries."""


def read_nir(
    source: str | Path | NirGraph, reading: NirReading | None = None, *, watch: Watch = SILENT
) -> FloatNetwork:
    """Return the network in floats that a NIR graph describes.

    Parameters
    ----------
    source
        The path of a .nir file, or a nir.NIRGraph.
    reading
        What the file leaves open: steps, largest input, time step, discretization, reset, who wrote it (see
        NirReading); None takes what the file states, if this package wrote it.
    watch
        Hears how the file is read, in one line.

    Raises
    ------
    UserError
        Names every node that cannot be taken and why, a file that is no whole NIR file, or what must be stated.

    Notes
    -----
    Source: Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 2024. The equations of
    each node stand in interchange/nir/neurons.py. How the file was read is in the network's provenance.
    """
    is_file = isinstance(source, str | Path)
    where = str(source) if is_file else "NIR graph"
    plain = load_hdf5(Path(source), _FILE) if isinstance(source, str | Path) else _with_shapes(source.to_dict(), source)
    statement = read_statement(plain, where)
    graph = flatten_graph(plain, where)
    nodes = list(graph.nodes.values())
    given = reading or NirReading()
    if statement.is_ours and given.written_by is not None:
        raise UserError(f"{where}: snn-deploy wrote it, not {given.written_by}. Leave --written-by out.")
    convention, is_recognised = (OURS, False) if statement.is_ours else convention_of(given.written_by, nodes)
    reading = _completed(given, statement, convention, nodes, where)
    watch.say(f"{where}: {described(reading, convention, is_recognised=is_recognised)}")
    try:
        network = _network(graph, reading, convention, statement, where, watch)
    except UserError as error:
        raise error if str(error).startswith(where) else UserError(f"{where}: {error}") from error
    return network


def _completed(
    given: NirReading, statement: Statement, convention: Convention, nodes: list[Mapping[str, Any]], where: str
) -> NirReading:
    """Return the reading with what the file states where the user did not, and then what the framework means by it."""
    steps = statement.steps if given.steps is None else given.steps
    largest = statement.largest_value if given.largest_value is None else given.largest_value
    scale = statement.scale if given.scale is None and given.largest_value is None else given.scale
    missing = [
        text
        for value, text in (
            (steps, "the number of time steps (--steps)"),
            (largest, "the largest value of the input (--input-max: 1 for spikes, 255 for pixels)"),
        )
        if value is None
    ]
    if missing:
        raise UserError(f"{where}: NIR does not say {' and '.join(missing)}. State it.")
    time_step = statement.time_step if given.time_step is None else given.time_step
    at_threshold = given.fires_at_threshold
    if at_threshold is None and not statement.is_ours:
        at_threshold = convention.fires_at_threshold
    return NirReading(
        steps=steps,
        largest_value=largest,
        scale=1 / max(1, largest or 1) if scale is None else scale,
        time_step=convention.time_step_of(nodes) if time_step is None else time_step,
        discretization=given.discretization or convention.discretization,
        reset=given.reset or convention.reset,
        fires_at_threshold=at_threshold,
        written_by=None if convention in (OURS, BY_DEFINITION) else convention.framework.lower(),
    )


def _network(
    graph: FlatGraph, reading: NirReading, convention: Convention, statement: Statement, where: str, watch: Watch
) -> FloatNetwork:
    assert reading.time_step and reading.discretization and reading.steps and reading.largest_value and reading.scale
    refusals = Refusals(where)
    mapped = map_nodes(graph, Steps(reading.time_step, reading.discretization, convention.gains), refusals)
    refusals.raise_any()
    output = _output_node(graph, mapped)
    paths: dict[str, list[wiring.Path]] = {}
    for name in mapped.neurons:
        with refusals.collect(name):
            paths[name] = wiring.find_paths(graph, mapped, name)
            _require_spikes(paths[name], mapped, graph.input)
    refusals.raise_any()
    order = wiring.evaluation_order(paths, graph.input, output, statement.populations or None, refusals)
    refusals.raise_any()
    names = {node: statement.names.get(node, legal) for node, legal in legal_names([graph.input, *order]).items()}
    entry = FloatInput(names[graph.input], mapped.shapes[graph.input], reading.largest_value, float(reading.scale))
    built = build(Wired(graph, mapped, paths, order, names), entry, reading, statement, refusals)
    refusals.raise_any()
    for name, reason in built.flat.items():
        watch.say(f"{name} comes in as a row of {math.prod(mapped.shapes[name])} neurons: {reason}")
    stated = {c: i for i, c in enumerate(statement.connections)}
    return FloatNetwork(
        entry,
        tuple(built.populations),
        tuple(sorted(built.connections, key=lambda c: stated.get(c.name, len(stated)))),
        reading.steps,
        statement.provenance if statement.is_ours else {"nir": _provenance(reading)},
    )


def _output_node(graph: FlatGraph, mapped: Mapped) -> str:
    """Return the neurons that the Output shows; where it shows weights, the Output becomes neurons that sum."""
    (*others, last) = graph.feeders[graph.output] or [""]
    if last in mapped.neurons and not others:
        return last
    zero, one = np.zeros(mapped.shapes[graph.output]), np.ones(mapped.shapes[graph.output])
    mapped.neurons[graph.output] = Neurons(one, one, zero, zero, zero, zero, zero, fires=False)
    return graph.output


def _require_spikes(paths: list[wiring.Path], mapped: Mapped, source: str) -> None:
    if not paths:
        raise NodeError("nothing reaches it.")
    for path in paths:
        if path.source != source and not mapped.neurons[path.source].fires:
            raise NodeError(
                f"it gets the potential of {path.source}, which is no spike. Let {path.source} fire, or end there."
            )


def _with_shapes(plain: Mapping[str, Any], graph: Any) -> dict[str, Any]:
    """Return to_dict() of a graph with the shapes of its inputs, which nir writes under another name."""
    nodes = {}
    for name, node in plain["nodes"].items():
        kept = dict(node)
        if kept["type"] == "NIRGraph":
            kept = _with_shapes(kept, graph.nodes[name])
        elif kept["type"] == "Input":
            kept["shape"] = next(iter(graph.nodes[name].input_type.values()))
        nodes[name] = kept
    return {**plain, "nodes": nodes}


def _provenance(reading: NirReading) -> dict[str, Any]:
    how = ("time_step", "discretization", "reset", "fires_at_threshold", "written_by")
    return {name: getattr(reading, name) for name in how if getattr(reading, name) is not None}
