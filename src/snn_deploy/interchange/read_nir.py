"""read_nir: a NIR graph (Neuromorphic Intermediate Representation, Pedersen et al. 2024) as a FloatNetwork.

NIR is continuous in time and says nothing about steps, resets by subtraction or the range of inputs: `NirReading`
states it. What nodes are: nir/, the equations in neurons.py; how weights join: linear/chain.py. Names stay, as
far as they are legal. A loop gets a delay of one step where it goes back. A graph that ends in weights, not in neurons,
gets a population that sums their result over the steps.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from snn_deploy.interchange.linear.chain import connection_fields
from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.interchange.load_hdf5 import Kind, load_hdf5
from snn_deploy.interchange.nir import wiring
from snn_deploy.interchange.nir.flat_graph import FlatGraph, flatten_graph
from snn_deploy.interchange.nir.mapping import Mapped, map_nodes
from snn_deploy.interchange.nir.names import legal_names, unique
from snn_deploy.interchange.nir.neurons import Neurons
from snn_deploy.interchange.nir.reading import DEFAULT_TIME_STEP, NirReading
from snn_deploy.interchange.nir.refusal import Refusals
from snn_deploy.interchange.nir.statement import Statement, read_statement
from snn_deploy.network.float_network import (
    ChannelNorm,
    FloatConnection,
    FloatInput,
    FloatNetwork,
    FloatPopulation,
)
from snn_deploy.support.user_error import UserError

_FILE = Kind("NIR file", "node", "nir.write")  # HDF5: the group is the root graph, as nir.NIRGraph.to_dict() has it


class NirGraph(Protocol):
    """A nir.NIRGraph."""

    def to_dict(self) -> dict[str, Any]:
        """Return its nodes and edges as plain dictionaries."""


def read_nir(source: str | Path | NirGraph, reading: NirReading | None = None) -> FloatNetwork:
    """Return the network in floats that a NIR graph describes.

    Parameters
    ----------
    source
        The path of a .nir file, or a nir.NIRGraph.
    reading
        What the file leaves open: steps, largest input, time step, discretization, reset (see NirReading); None takes
        what the file states, if this package wrote it.

    Raises
    ------
    UserError
        Names every node that cannot be taken and why, a file that is no whole NIR file, or what must be stated.

    Notes
    -----
    Source: Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 2024. The equations of
    each node stand in interchange/nir/neurons.py.
    """
    is_file = isinstance(source, str | Path)
    where = str(source) if is_file else "NIR graph"
    plain = load_hdf5(Path(source), _FILE) if isinstance(source, str | Path) else _with_shapes(source.to_dict(), source)
    statement = read_statement(plain, where)
    reading = _completed(reading or NirReading(), statement, where)
    graph = flatten_graph(plain, where)
    try:
        network = _network(graph, reading, statement, where)
    except UserError as error:
        raise error if str(error).startswith(where) else UserError(f"{where}: {error}") from error
    return network


def _completed(reading: NirReading, statement: Statement, where: str) -> NirReading:
    """Return the reading with what the file states where the user did not; what is missing then is a UserError."""
    steps = statement.steps if reading.steps is None else reading.steps
    largest = statement.largest_value if reading.largest_value is None else reading.largest_value
    scale = statement.scale if reading.scale is None and reading.largest_value is None else reading.scale
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
    time_step = statement.time_step if reading.time_step is None else reading.time_step
    return replace(
        reading,
        steps=steps,
        largest_value=largest,
        scale=1 / max(1, largest or 1) if scale is None else scale,
        time_step=DEFAULT_TIME_STEP if time_step is None else time_step,
    )


def _network(graph: FlatGraph, reading: NirReading, statement: Statement, where: str) -> FloatNetwork:
    assert reading.time_step and reading.steps and reading.largest_value and reading.scale  # see _completed
    refusals = Refusals(where)
    mapped = map_nodes(graph, reading.time_step, reading.discretization, refusals)
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
    populations: list[FloatPopulation] = []
    connections: list[FloatConnection] = []
    for name in order:
        with refusals.collect(name):
            population = _population(names[name], name, mapped, reading, statement)
            arriving = _connections(name, paths[name], order, mapped, names, statement, connections)
            bias = wiring.constant_input(graph, mapped, name) * mapped.neurons[name].gain
            if bias.any() and population.current_keep.any():
                arriving = _with_bias(arriving, bias)
            else:
                population = replace(population, bias=population.bias + bias)
            populations.append(population)
            connections += arriving
    refusals.raise_any()
    stated = {c: i for i, c in enumerate(statement.connections)}
    return FloatNetwork(
        FloatInput(names[graph.input], mapped.shapes[graph.input], reading.largest_value, float(reading.scale)),
        tuple(populations),
        tuple(sorted(connections, key=lambda c: stated.get(c.name, len(stated)))),
        reading.steps,
        statement.provenance if statement.is_ours else {"nir": _provenance(reading)},
    )


def _output_node(graph: FlatGraph, mapped: Mapped) -> str:
    """Return the neurons that the Output shows; where it shows weights, the Output becomes neurons that sum."""
    (*others, last) = graph.feeders[graph.output] or [""]
    if last in mapped.neurons and not others:
        return last
    shape = mapped.shapes[graph.output]
    zero, one = np.zeros(shape[0]), np.ones(shape[0])
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


def _population(name: str, node: str, mapped: Mapped, reading: NirReading, statement: Statement) -> FloatPopulation:
    found = mapped.neurons[node]
    at_threshold = reading.fires_at_threshold
    at_threshold = node in statement.lowered if at_threshold is None else at_threshold
    is_lowered = at_threshold and node in statement.lowered
    threshold = np.nextafter(found.threshold, np.inf) if is_lowered else found.threshold
    subtracts = found.fires and reading.reset == "subtract"
    if subtracts and found.reset_value.any():
        raise NodeError(f"v_reset {found.reset_value.max():g} beside a reset by subtraction, which has none.")
    return FloatPopulation(
        name,
        mapped.shapes[node],
        threshold,
        found.voltage_keep,
        found.current_keep,
        found.fires,
        at_threshold,
        bias=found.bias,
        reset="subtract" if subtracts else "value",
        reset_value=found.reset_value,
        initial_value=found.initial_value,
    )


def _connections(
    node: str,
    paths: list[wiring.Path],
    order: list[str],
    mapped: Mapped,
    names: Mapping[str, str],
    statement: Statement,
    earlier: list[FloatConnection],
) -> list[FloatConnection]:
    """Return one connection for each way to the population `node`."""
    gain = mapped.neurons[node].gain
    place = {name: i for i, name in enumerate(order)}
    result: list[FloatConnection] = []
    for path in paths:
        fields = connection_fields([mapped.operations[o] for o in path.operations], mapped.shapes[path.source])
        fields["weights"] = fields["weights"] * gain.reshape(-1, *[1] * (fields["weights"].ndim - 1))
        fields["delay"] += place.get(path.source, -1) >= place[node]
        weighted = [o for o in path.operations if isinstance(mapped.operations[o], Convolution | Dense)]
        key = weighted[-1] if weighted else f"{path.source}-{path.target}"
        wanted = statement.names.get(key) or next(iter(legal_names([key]).values()))
        taken = [*names.values(), *(c.name for c in [*earlier, *result])]
        result.append(FloatConnection(unique(wanted, taken), names[path.source], names[node], **fields))
    return result


def _with_bias(connections: list[FloatConnection], bias: np.ndarray) -> list[FloatConnection]:
    """Return the connections, one of which adds `bias` to the current in every step."""
    for i, connection in enumerate(connections):
        if connection.delay == 0:
            one, zero = np.ones_like(bias), np.zeros_like(bias)
            norm = ChannelNorm(zero, one, one, bias, 0.0)
            return [*connections[:i], replace(connection, norm=norm), *connections[i + 1 :]]
    raise NodeError("a bias that enters its synaptic current, beside delayed weights only.")


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
    return {
        "time_step": reading.time_step,
        "discretization": reading.discretization,
        "reset": reading.reset,
        "fires_at_threshold": bool(reading.fires_at_threshold),
    }
