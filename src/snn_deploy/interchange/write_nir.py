"""write_nir: a FloatNetwork as a NIR file (Neuromorphic Intermediate Representation), which other frameworks open.

Time constants are those from which forward Euler with `time_step` computes the network's own steps: tau = dt / (1 -
keep), r = tau / dt, w_in = tau_syn / dt, so that weights stay as they are and no gain is left. The default time step
is the one of snnTorch and SpikingJelly. Norms are folded into weights and biases. The Input takes the scaled values
(pixels / 255). An output that only sums stays out: the sum of the Output over the steps is its potential.
What NIR cannot hold is refused by name; thresholds that adapt are written beside the graph where that is asked for.
What it does not say, such as the number of steps, is a statement in the metadata (nir/statement.py), so that `read_nir`
gives the same network back.
"""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snn_deploy.interchange.nir.names import plain_name
from snn_deploy.interchange.nir.neuron_nodes import neuron_node
from snn_deploy.interchange.nir.reading import DEFAULT_TIME_STEP
from snn_deploy.interchange.nir.statement import KEY, Statement, write_statement
from snn_deploy.interchange.nir.weight_nodes import weight_nodes
from snn_deploy.network.float_network import FloatConnection, FloatNetwork, FloatPopulation
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    import nir

_OUTPUT = "output"


@dataclass
class _Graph:
    """The nodes so far, by names that NIR files and PyTorch modules can hold, and what those names stand for."""

    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # node -> name in the network

    def add(self, wanted: str, node: Any, stands_for: str | None = None) -> str:
        """Add a node under a name like `wanted`; return the name."""
        name = base = plain_name(wanted)
        number = 1
        while name in self.nodes:
            number += 1
            name = f"{base}_{number}"
        self.nodes[name] = node
        if stands_for is not None:
            self.names[name] = stands_for
        return name


def write_nir(
    network: FloatNetwork, path: str | Path, time_step: float = DEFAULT_TIME_STEP, *, extended: bool = False
) -> None:
    """Write a network in floats to `path` as a NIR graph for forward Euler; equal networks give equal bytes.

    Parameters
    ----------
    network
        From `train`, `from_torch` or `read_nir`.
    path
        Of the .nir file (HDF5), written whole or not at all.
    time_step
        Of a step of the network, in seconds.
    extended
        Whether thresholds that adapt are written into the metadata, where `read_nir` alone finds them: for other
        programs the file is the network with constant thresholds. Else they are refused.

    Raises
    ------
    UserError
        Names what NIR cannot hold.
    """
    import nir  # noqa: PLC0415 - only this file needs it

    content = io.BytesIO()
    nir.write(content, to_nir_graph(network, time_step, extended=extended))
    write_bytes(Path(path), content.getvalue())


def to_nir_graph(
    network: FloatNetwork, time_step: float = DEFAULT_TIME_STEP, *, extended: bool = False
) -> "nir.NIRGraph":
    """Return `network` as a nir.NIRGraph, its types checked by nir; see write_nir."""
    import nir  # noqa: PLC0415

    if not (np.isfinite(time_step) and time_step > 0):
        raise UserError(f"time step {time_step}; allowed is a positive number of seconds.")
    adaptive = [p for p in network.populations if p.adapts]
    if adaptive and not extended:
        raise UserError(
            f"population {adaptive[0].name!r}: its spikes raise its threshold, and no neuron of NIR has that. For "
            "read_nir alone, sd.write_nir(..., extended=True) writes it beside the graph. Or export with --target onnx."
        )
    _require_ways_to_the_output(network)
    network = _fed_by_the_input(network)
    connections, populations = _without_norms(network)
    graph = _Graph()
    shapes = {network.input.name: network.input.shape} | {p.name: p.shape for p in populations}
    place = {name: i for i, name in enumerate(shapes)}
    node_of = {
        network.input.name: graph.add(
            network.input.name, nir.Input({"input": np.array(network.input.shape)}), network.input.name
        )
    }
    output_sums = _only_sums(populations[-1], network)
    for population in populations[: len(populations) - output_sums]:
        node = neuron_node(population, time_step)
        node_of[population.name] = graph.add(population.name, node, population.name)
    end = graph.add(_OUTPUT, nir.Output({"output": np.array(populations[-1].shape)}))
    if output_sums:
        node_of[populations[-1].name] = end
        graph.names[end] = populations[-1].name
    else:
        graph.edges.append((node_of[populations[-1].name], end))
    written: dict[str, str] = {}
    for population in populations:
        bias = population.bias
        for c in sorted((c for c in connections if c.target == population.name), key=lambda c: c.delay):
            steps = c.delay - (place[c.source] >= place[c.target])
            before = node_of[c.source]
            for suffix, node in weight_nodes(c, shapes[c.source], bias, steps * time_step):
                name = graph.add(c.name + suffix, node, None if suffix else c.name)
                graph.edges.append((before, name))
                before = name
            graph.edges.append((before, node_of[c.target]))
            written[c.name] = before
            bias = np.zeros_like(bias)
    statement = Statement(
        time_step,
        network.steps,
        network.input.largest_value,
        network.input.scale,
        tuple(node_of[p.name] for p in populations),
        tuple(c.name for c in network.connections),
        tuple(node_of[p.name] for p in populations if p.fires and p.fires_at_threshold),
        graph.names,
        network.provenance,
        {node_of[p.name]: (p.threshold_step.tolist(), p.threshold_keep.tolist()) for p in adaptive},
    )
    # nir 1.0.8 infers types as if there were one group and as if kernels were square (Conv2d.__post_init__).
    is_plain = all(c.groups == 1 and (c.weights.ndim == 2 or len(set(c.weights.shape[2:])) == 1) for c in connections)
    return nir.NIRGraph(graph.nodes, graph.edges, {KEY: write_statement(statement)}, type_check=is_plain)


def _fed_by_the_input(network: FloatNetwork) -> FloatNetwork:
    """Return the network with weights of 0 from the input to single neurons that hear nothing: NIR's start there.

    The neuron that is always on is one. It becomes a map where the input is one, and else a vector, as such weights do.
    """
    entry, populations, connections = network.input, list(network.populations), list(network.connections)
    for i, p in enumerate(populations):
        arriving = [c for c in connections if c.target == p.name]
        if p.shape != (1, 1, 1) or any(c.source != p.name or c.weights.any() for c in arriving):
            continue
        populations[i] = replace(p, shape=(1,) * len(entry.shape))
        silent = FloatConnection(arriving[0].name, entry.name, p.name, np.zeros((1, *entry.shape)))
        connections = [*(c for c in connections if c.target != p.name), silent]
    return replace(network, populations=tuple(populations), connections=tuple(connections))


def _without_norms(network: FloatNetwork) -> tuple[list[FloatConnection], list[FloatPopulation]]:
    """Return the connections without norms, and the populations with what the norms shift as biases."""
    biases = {p.name: p.bias for p in network.populations}
    folded = []
    for c in network.connections:
        if c.norm is None:
            folded.append(c)
            continue
        if c.norm.offset.any() and c.delay:
            raise _refusal(f"connection {c.name!r} with a norm that shifts, behind a delay")
        factor = c.norm.factor.reshape(-1, *[1] * (c.weights.ndim - 1))
        folded.append(replace(c, weights=c.weights * factor, norm=None))
        biases[c.target] = biases[c.target] + c.norm.offset
    currents = {p.name: p for p in network.populations if p.current_keep.any()}
    for name, p in currents.items():
        if p.bias.any():
            raise _refusal(f"population {name!r} with a bias of the potential beside a synaptic current")
    return folded, [replace(p, bias=biases[p.name]) for p in network.populations]


def _require_ways_to_the_output(network: FloatNetwork) -> None:
    """Raise UserError for populations that send nothing, or nothing that the output sees."""
    fires = {p.name for p in network.populations if p.fires}
    reached, waiting = set(), [network.output.name]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [c.source for c in network.connections if c.target == name]
    for p in network.populations:
        if p.name not in reached:
            raise _refusal(f"population {p.name!r}, from which nothing leads to the output")
    for c in network.connections:
        if c.source not in fires and c.source != network.input.name:
            raise _refusal(f"connection {c.name!r} from {c.source!r}, which never fires")


def _only_sums(population: FloatPopulation, network: FloatNetwork) -> bool:
    """Whether the population does no more than sum what arrives."""
    feeds_nothing = all(c.source != population.name for c in network.connections)
    keeps_all = (population.voltage_keep == 1).all() and not population.current_keep.any()
    return bool(not population.fires and keeps_all and feeds_nothing and not population.initial_value.any())


def _refusal(what: str) -> UserError:
    return UserError(f"NIR cannot hold {what}. Export it with --target loihi, or change the network.")
