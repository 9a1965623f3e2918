"""populations: the neurons of a NIR graph and the ways to them, as populations and connections.

A population of maps is flat, (neurons,), where its parameters differ within a channel, or where what reaches it is no
convolution: then matrices lead to it, and what leaves it starts with its shape.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.always_on import ALWAYS_ON, always_on, constant_fields
from snn_deploy.interchange.linear.chain import fields_to
from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError, Reshape, Shape
from snn_deploy.interchange.nir import wiring
from snn_deploy.interchange.nir.flat_graph import FlatGraph
from snn_deploy.interchange.nir.mapping import Mapped
from snn_deploy.interchange.nir.names import legal_names, unique
from snn_deploy.interchange.nir.neurons import PER_NEURON, Neurons
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.nir.refusal import Refusals
from snn_deploy.interchange.nir.statement import Statement
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatPopulation


@dataclass(frozen=True)
class Wired:
    """A mapped graph. paths: population -> ways to it. order: as a step evaluates them. names: node -> legal one."""

    graph: FlatGraph
    mapped: Mapped
    paths: Mapping[str, list[wiring.Path]]
    order: list[str]
    names: Mapping[str, str]


@dataclass
class Built:
    """Populations and connections so far. flat: population -> why its maps come in as a row of neurons."""

    populations: list[FloatPopulation] = field(default_factory=list)
    connections: list[FloatConnection] = field(default_factory=list)
    flat: dict[str, str] = field(default_factory=dict)


def build(wired: Wired, entry: FloatInput, reading: NirReading, statement: Statement, refusals: Refusals) -> Built:
    """Return all populations and connections; what cannot be taken is added to `refusals`."""
    flat = {name: f"{what} differs within a channel" for name in wired.order if (what := _differing(wired, name))}
    refused: dict[str, str] = {}
    while True:
        _spread(flat, wired)
        builder = _Builder(wired, entry, reading, statement, flat)
        more: dict[str, str] = {}
        for name in wired.order:
            try:
                builder.add(name)
            except NodeError as error:
                refused.setdefault(name, str(error))
                if name in flat or len(wired.mapped.shapes[name]) == 1:
                    refusals.reasons[name] = refused[name]
                else:
                    more[name] = str(error)
        if refusals.reasons or not more:
            break
        flat |= more
    builder.built.flat = flat
    return builder.built


def _differing(wired: Wired, name: str) -> str | None:
    return wired.mapped.neurons[name].differs() if len(wired.mapped.shapes[name]) > 1 else None


def _spread(flat: dict[str, str], wired: Wired) -> None:
    """Make flat what the flat ones lead to: no matrix reaches maps."""
    while True:
        found = {
            name: f"it hears {path.source}"
            for name in wired.order
            for path in wired.paths[name]
            if path.source in flat and name not in flat and len(wired.mapped.shapes[name]) > 1
        }
        if not found:
            return
        flat |= found


class _Builder:
    def __init__(
        self, wired: Wired, entry: FloatInput, reading: NirReading, statement: Statement, flat: Collection[str]
    ) -> None:
        self.wired, self.entry, self.reading, self.statement, self.flat = wired, entry, reading, statement, flat
        self.built = Built()
        self.place = {name: i for i, name in enumerate(wired.order)}
        self.constant = unique(ALWAYS_ON, wired.names.values())

    def add(self, name: str) -> None:
        """Add a population and what reaches it."""
        neurons, shape = self.wired.mapped.neurons[name], self._shape(name)
        n = {what: _per_channel(getattr(neurons, what), shape) for what in PER_NEURON}
        gain = n["gain"]
        arriving = [self._connection(path, shape, gain) for path in self.wired.paths[name]]
        constant = wiring.constant_input(self.wired.graph, self.wired.mapped, name).reshape(shape) * _over(gain, shape)
        rows = constant.reshape(shape[0], -1)
        if not n["current_keep"].any() and (rows == rows[:, :1]).all():
            n["bias"] = n["bias"] + rows[:, 0]
        elif constant.any():
            arriving.append(
                self._named(f"{self.constant}-{self.wired.names[name]}", self.constant, name, constant_fields(constant))
            )
        population = self._population(name, shape, neurons, n)
        if self._resets_later(neurons):
            arriving += self._later_reset(name, shape, n)
        if any(c.source == self.constant for c in arriving) and self.constant not in self._added():
            always, silent = always_on(self.constant)
            self.built.populations.insert(0, always)
            self.built.connections.append(replace(silent, name=self._free(silent.name)))
        self.built.populations.append(population)
        for connection in arriving:
            self.built.connections.append(replace(connection, name=self._free(connection.name)))

    def _shape(self, name: str) -> Shape:
        shape = self.wired.mapped.shapes[name]
        return (math.prod(shape),) if name in self.flat else shape

    def _connection(self, path: wiring.Path, shape: Shape, gain: np.ndarray) -> FloatConnection:
        """Return the connection that a way to a population of `shape` is."""
        mapped = self.wired.mapped
        operations = [mapped.operations[o] for o in path.operations]
        source = mapped.shapes[path.source]
        if path.source in self.flat:
            operations, source = [Reshape(source), *operations], self._shape(path.source)
        fields = fields_to(operations, source, shape, gain, is_flat=path.target in self.flat)
        fields["delay"] += self.place.get(path.source, -1) >= self.place[path.target]
        weighted = [o for o in path.operations if isinstance(mapped.operations[o], Convolution | Dense)]
        key = weighted[-1] if weighted else f"{path.source}-{path.target}"
        wanted = self.statement.names.get(key) or next(iter(legal_names([key]).values()))
        return self._named(wanted, self.wired.names[path.source], path.target, fields)

    def _named(self, name: str, source: str, target: str, fields: Mapping[str, Any]) -> FloatConnection:
        return FloatConnection(name, source, self.wired.names[target], **fields)

    def _free(self, wanted: str) -> str:
        """Return a name for a connection that nothing else has."""
        return unique(wanted, [*self.wired.names.values(), self.constant, *(c.name for c in self.built.connections)])

    def _added(self) -> list[str]:
        return [p.name for p in self.built.populations]

    def _population(self, name: str, shape: Shape, neurons: Neurons, n: Mapping[str, np.ndarray]) -> FloatPopulation:
        is_lowered = name in self.statement.lowered
        at_threshold = self.reading.fires_at_threshold
        at_threshold = is_lowered if at_threshold is None else at_threshold
        raised = at_threshold and is_lowered
        step, keep = self.statement.adaptation.get(name, (0.0, 0.0))
        if np.shape(step) != np.shape(keep) or np.shape(step) not in ((), shape[:1]):
            raise NodeError("thresholds that adapt, stated for another number of channels. Write the file again.")
        subtracts = neurons.fires and self.reading.reset != "value"
        if subtracts and neurons.reset_value.any():
            raise NodeError(f"v_reset {neurons.reset_value.max():g} beside a reset by subtraction, which has none.")
        return FloatPopulation(
            self.wired.names[name],
            shape,
            np.nextafter(n["threshold"], np.inf) if raised else n["threshold"],
            n["voltage_keep"],
            n["current_keep"],
            neurons.fires,
            at_threshold,
            bias=n["bias"],
            reset="subtract" if subtracts else "value",
            reset_value=n["reset_value"],
            initial_value=n["initial_value"],
            threshold_step=np.asarray(step),
            threshold_keep=np.asarray(keep),
        )

    def _resets_later(self, neurons: Neurons) -> bool:
        return neurons.fires and self.reading.reset == "subtract-later"

    def _later_reset(self, name: str, shape: Shape, n: Mapping[str, np.ndarray]) -> list[FloatConnection]:
        """Return what makes of a reset by subtraction one that comes a step later, after the decay."""
        missing = -(1 - n["voltage_keep"]) * n["threshold"]
        if not missing.any():
            return []
        if n["current_keep"].any():
            raise NodeError("a reset by subtraction in the next step, past a synaptic current. State another reset.")
        fields: dict[str, Any] = {"weights": np.diag(missing)}
        if len(shape) > 1:
            fields = {"weights": missing[:, None, None, None], "groups": shape[0]}
        title = self.wired.names[name]
        return [self._named(f"{title}-{title}", title, name, {**fields, "delay": 1})]


def _per_channel(values: np.ndarray, shape: Shape) -> np.ndarray:
    """Return one number for each channel of `shape`, where values do not differ within one."""
    return np.ascontiguousarray(values).reshape(shape[0], -1)[:, 0]


def _over(values: np.ndarray, shape: Shape) -> np.ndarray:
    return values.reshape(-1, *[1] * (len(shape) - 1))
