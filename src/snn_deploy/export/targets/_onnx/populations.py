"""populations: one Scan over the steps for each group of populations that evaluation_order takes together.

What arrives from outside the group is computed before, all steps in one batch; an image shown in every step is
computed once. Inside the group, and only there, connections are computed step by step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from onnx import helper

from snn_deploy.export.targets._onnx.graph import BATCH, Graph, Kind, described
from snn_deploy.export.targets._onnx.neurons import Neurons, neurons_of, step
from snn_deploy.export.targets._onnx.synapses import deliver, exact_type
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.largest_values import largest_partial_sum
from snn_deploy.network.value_reading import gives_values


@dataclass(frozen=True)
class Source:
    """Spikes or images that are known for all steps, uint8: (steps, batch, *shape), or (batch, *shape) if static.

    name: of the population or input, for values that are made of it.
    """

    name: str
    value: str
    shape: tuple[int, ...]
    is_static: bool = False


@dataclass
class _Loop:
    """The body of a Scan, and what goes in and comes out. States and frames: what it is outside -> inside.

    spikes: what comes out of every step, (outside, inside, shape, kind): spikes, or potentials that are read.
    """

    body: Graph
    states: list[tuple[str, str, str, Kind, tuple[int, ...]]] = field(default_factory=list)
    frames: list[tuple[str, str, Kind, tuple[int, ...]]] = field(default_factory=list)
    spikes: list[tuple[str, str, tuple[int, ...], Kind]] = field(default_factory=list)

    def state(self, at: str, initial: str, after: str, kind: Kind, shape: tuple[int, ...]) -> None:
        """Carry a state from step to step: it is `at`/before in the body, where the value `after` follows it."""
        self.states.append((at, initial, after, kind, shape))

    def frame(self, outside: str, inside: str, kind: Kind, shape: tuple[int, ...]) -> str:
        """Return `inside`, the slice of `outside` that belongs to the step."""
        self.frames.append((outside, inside, kind, shape))
        return inside


def add_block(
    graph: Graph, network: IntegerNetwork, block: tuple[str, ...], sources: Mapping[str, Source]
) -> dict[str, Source]:
    """Return the spikes of the populations in `block`, whose other sources are complete.

    The potential of an output that never fires becomes the value NAME/potential/end, (batch, *shape).
    """
    loop = _Loop(Graph(graph))
    neurons = {name: neurons_of(network, next(p for p in network.populations if p.name == name)) for name in block}
    inner = [c for c in network.connections if c.target in block and c.source in block and _arrives(network, c)]
    for name, one in neurons.items():
        population = one.population
        arriving = [
            _from_outside(graph, loop, network, c, sources[c.source], one.kind)
            for c in network.connections_to(name)
            if c.source in sources and _arrives(network, c)
        ]
        arriving += [_from_inside(graph, loop, network, c, one.kind) for c in inner if c.target == name]
        current = f"{name}/current/before" if one.has_current else ""
        potential = f"{name}/potential/before" if one.has_potential else ""
        rise = f"{name}/rise/before" if population.adapts else ""
        after = step(loop.body, one, _sum(graph, loop.body, one, arriving), current, potential, rise)
        if current:
            at_rest = _at_rest(graph, one, "current", None)
            loop.state(f"{name}/current", at_rest, after.current, one.kind, population.shape)
        if potential:
            initial = _at_rest(graph, one, "potential", population.initial_value)
            loop.state(f"{name}/potential", initial, after.potential, one.kind, population.shape)
        if rise:
            at_rest = _at_rest(graph, one, "rise", None)
            loop.state(f"{name}/rise", at_rest, after.rise, one.kind, population.shape)
        if after.spikes:
            loop.spikes.append((spikes_of(name), after.spikes, population.shape, np.uint8))
            _remember(graph, loop, one, max((c.delay for c in inner if c.source == name), default=0), after.spikes)
        if name == network.output.name and gives_values(network):
            read = loop.body.add("Identity", [after.potential], f"{name}/step/read")
            loop.spikes.append((potentials_of(name), read, population.shape, one.kind))
    _add_scan(graph, network, loop, "+".join(block) + "/neurons")
    return {
        name: Source(name, spikes_of(name), n.population.shape) for name, n in neurons.items() if n.population.fires
    }


def spikes_of(name: str) -> str:
    """Return the value that holds a population's spikes, (steps, batch, *shape) uint8."""
    return f"{name}/spikes"


def potentials_of(name: str) -> str:
    """Return the value that holds the potentials of an output that gives values, (steps, batch, *shape)."""
    return f"{name}/potentials"


def as_float(graph: Graph, name: str, value: str, kind: Kind) -> str:
    """Return the spikes or pixels `value` of a population or input in the float type `kind`."""
    return graph.cast(value, kind, f"{name}/{'float' if kind is np.float32 else 'double'}")


def _arrives(network: IntegerNetwork, connection: IntegerConnection) -> bool:
    """Whether anything of the connection arrives within the steps."""
    fires = {p.name: p.fires for p in network.populations} | {network.input.name: True}
    return connection.delay < network.steps and fires[connection.source]


def _from_outside(
    graph: Graph, loop: _Loop, network: IntegerNetwork, connection: IntegerConnection, source: Source, kind: Kind
) -> str:
    """Return what arrives in a step, in `kind`; the sums of all steps are computed before the loop."""
    name, delay, target = connection.name, connection.delay, network.shape_of(connection.target)
    float_kind = exact_type(largest_partial_sum(network, connection))
    if source.is_static and not delay:
        values = as_float(graph, source.name, source.value, float_kind)
        sums = deliver(graph, network, connection, values, f"{name}/sums")
        return graph.cast(sums, kind, f"{name}/arriving")
    source = _timed(graph, network.steps, source)
    values = as_float(graph, source.name, source.value, float_kind)
    if delay:
        ends = [
            graph.constant(f"{name}/{n}", [x], np.int64) for n, x in (("first", 0), ("last", network.steps - delay))
        ]
        values = graph.add("Slice", [values, *ends, graph.constant(f"{name}/axis", [0], np.int64)], f"{name}/in_time")
    values = graph.as_shape(values, (-1, *source.shape), f"{name}/frames")
    sums = deliver(graph, network, connection, values, f"{name}/sums")
    sums = graph.as_shape(sums, (network.steps - delay, -1, *target), f"{name}/sums_of_steps")
    if delay:
        before = graph.constant(f"{name}/delay", [delay] + [0] * (2 * len(target) + 3), np.int64)
        sums = graph.add("Pad", [sums, before], f"{name}/delayed")
    sums = loop.frame(sums, f"{name}/step/sums", float_kind, target)
    return loop.body.cast(sums, kind, f"{name}/step/arriving")


def _timed(graph: Graph, steps: int, source: Source) -> Source:
    """Return `source` with values for every step."""
    if not source.is_static:
        return source
    name = f"{source.name}/every_step"
    if not graph.has(name):
        times = graph.constant(f"{name}/times", [steps] + [1] * (1 + len(source.shape)), np.int64)
        graph.add("Expand", [source.value, times], name)
    return Source(name, name, source.shape)


def _from_inside(graph: Graph, loop: _Loop, network: IntegerNetwork, connection: IntegerConnection, kind: Kind) -> str:
    """Return what arrives in a step from the group itself, in `kind`."""
    source, delay = connection.source, connection.delay
    float_kind = exact_type(largest_partial_sum(network, connection))
    spikes = _spikes_before(source, delay) if delay else f"{source}/step/spikes"
    values = loop.body.cast(spikes, float_kind, f"{spikes}/{'float' if float_kind is np.float32 else 'double'}")
    sums = deliver(loop.body, network, connection, values, f"{connection.name}/step/sums")
    return loop.body.cast(sums, kind, f"{connection.name}/step/arriving")


def _sum(graph: Graph, body: Graph, neurons: Neurons, arriving: list[str]) -> str:
    """Return the sum of everything that arrives, (batch, *shape) even where nothing does."""
    if not arriving:
        return _at_rest(graph, neurons, "nothing", None)
    total = arriving[0]
    for i, other in enumerate(arriving[1:]):
        total = body.add("Add", [total, other], f"{neurons.population.name}/step/sum{i}")
    return total


def _at_rest(graph: Graph, neurons: Neurons, state: str, values: np.ndarray | None) -> str:
    """Return a state before the first step: `values` of every channel, or 0, as (batch, *shape)."""
    name, shape = neurons.population.name, neurons.population.shape
    given = neurons.shaped(np.zeros(1, np.int64) if values is None else values)
    start = graph.constant(f"{name}/{state}/initial", given)
    return graph.add("Expand", [start, _shape_of_states(graph, name, shape)], f"{name}/{state}/start")


def _shape_of_states(graph: Graph, name: str, shape: tuple[int, ...]) -> str:
    """Return (batch, *shape) as numbers of the graph."""
    result = f"{name}/shape_of_states"
    if not graph.has(result):
        graph.add("Concat", [BATCH, graph.constant(f"{name}/shape", shape, np.int64)], result, axis=0)
    return result


def _spikes_before(source: str, delay: int) -> str:
    return f"{source}/spikes_{delay}_ago/before"


def _remember(graph: Graph, loop: _Loop, neurons: Neurons, most: int, spikes: str) -> None:
    """Carry the spikes of the last `most` steps."""
    name, shape = neurons.population.name, neurons.population.shape
    for delay in range(1, most + 1):
        at = f"{name}/spikes_{delay}_ago"
        zero = graph.constant(f"{name}/silent", 0, np.uint8)
        start = graph.add("Expand", [zero, _shape_of_states(graph, name, shape)], f"{at}/start")
        newer = loop.body.add("Identity", [_spikes_before(name, delay - 1) if delay > 1 else spikes], f"{at}/after")
        loop.state(at, start, newer, np.uint8, shape)


def _add_scan(graph: Graph, network: IntegerNetwork, loop: _Loop, name: str) -> None:
    if not loop.frames:  # a Scan takes its number of steps from what it scans
        loop.frame(graph.constant("steps", np.arange(network.steps)), f"{name}/step/number", np.int64, ())
    inputs = [described(f"{at}/before", kind, (BATCH, *shape)) for at, _, _, kind, shape in loop.states]
    inputs += [described(inside, kind, (BATCH, *shape) if shape else ()) for _, inside, kind, shape in loop.frames]
    outputs = [described(after, kind, (BATCH, *shape)) for _, _, after, kind, shape in loop.states]
    outputs += [described(inside, kind, (BATCH, *shape)) for _, inside, shape, kind in loop.spikes]
    graph.add_node(
        "Scan",
        [*(initial for _, initial, _, _, _ in loop.states), *(outside for outside, _, _, _ in loop.frames)],
        [*(f"{at}/end" for at, _, _, _, _ in loop.states), *(outside for outside, *_ in loop.spikes)],
        name,
        body=helper.make_graph(loop.body.nodes, f"{name}/step", inputs, outputs),
        num_scan_inputs=len(loop.frames),
    )
