"""graph: what was recorded of a module, as a network in floats.

A layer becomes a population. What arrives at it must be the same in every step, counted from that step: what came one
step before is a delay of one step.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.always_on import ALWAYS_ON, always_on, constant_fields
from snn_deploy.interchange.linear.chain import fields_to
from snn_deploy.interchange.linear.operations import (
    Dense,
    NodeError,
    Reshape,
    Shape,
    per_channel,
    spread,
)
from snn_deploy.interchange.linear.torch_neuron import TorchNeurons
from snn_deploy.interchange.nir.names import legal_names, unique
from snn_deploy.interchange.trace.linear_value import LinearValue, Term, key_of
from snn_deploy.interchange.trace.recorder import INPUT, Layer
from snn_deploy.interchange.trace.run_module import Recording
from snn_deploy.network.float_network import FloatConnection, FloatInput, FloatNetwork, FloatPopulation

_FEEDBACK = {"feedback": 1, "second_feedback": 2}  # steps until it comes
_PER_NEURON = ("voltage_keep", "threshold", "current_keep", "gain", "bias", "reset_value", "initial_value", *_FEEDBACK)


@dataclass(frozen=True)
class _Arriving:
    """What arrives at a layer: terms whose `step` is their delay, and constants from a step on, delay -> (*shape)."""

    terms: tuple[Term, ...]
    constants: Mapping[int, np.ndarray]


def network_of(recording: Recording, entry: FloatInput, steps: int) -> FloatNetwork:
    """Return the network that a module was; a NodeError names the layer where it is none.

    Populations have the names of the layers, as far as these are legal; those that nothing leads from to the output
    are left out.
    """
    layers = recording.layers
    arriving = {name: _arriving(layer, steps) for name, layer in layers.items()}
    order = _order(arriving, recording.output)
    for name in order:
        for term in arriving[name].terms:
            if term.source != INPUT and not layers[term.source].neurons.fires:
                raise NodeError(f"{name} gets the potential of {term.source}, which is no spike.")
    names = legal_names([entry.name, *order])
    builder = _Builder(entry, names)
    for name in order:
        builder.add(layers[name], arriving[name])
    return FloatNetwork(entry, tuple(builder.populations), tuple(builder.connections), steps)


def _arriving(layer: Layer, steps: int) -> _Arriving:
    """Return what arrives in the last step, after a check that the steps before were alike."""
    values = [layer.arrives.get(t, layer.arrives.get(None)) for t in range(steps)]
    assert None not in values  # see run_module
    shifted = [_shifted(layer.name, value, t) for t, value in enumerate(values) if value is not None]
    last = shifted[-1]
    for t, found in enumerate(shifted):
        expected = Counter({key: count for key, count in last.items() if key[1] <= t})
        if found != expected:
            was, then = _sources(found), _sources(expected)
            differs = f"from {was}, not from {then}" if was != then else f"other weights or factors, from {was}"
            raise NodeError(
                f"{layer.name}: what it gets in step {t} is not what it gets in step {steps - 1}: {differs}."
            )
    whole = values[-1]
    assert whole is not None
    terms = []
    for term in whole.terms:
        delay = 0 if term.step is None else steps - 1 - term.step
        terms.append(replace(term, step=delay))
    zero = np.zeros(layer.shape)
    totals = [zero if v is None or v.constant is None else v.constant for v in values]
    constants: dict[int, np.ndarray] = {}
    so_far = zero
    for t, total in enumerate(totals):
        if (total != so_far).any():
            constants[t], so_far = total - so_far, total
    if max(constants, default=0) > max((term.step or 0 for term in terms), default=0):
        raise NodeError(f"{layer.name}: it gets another constant in step {max(constants)} than before.")
    return _Arriving(tuple(terms), constants)


def _shifted(name: str, value: LinearValue, step: int) -> Counter[tuple[Any, ...]]:
    """Return how often each term arrives, as (source, steps ago, operations)."""
    found: Counter[tuple[Any, ...]] = Counter()
    for term in value.terms:
        delay = 0 if term.step is None else step - term.step
        if delay < 0:
            raise NodeError(f"{name}: in step {step} it gets what {term.source} does in step {term.step}.")
        key: tuple[Any, ...] = (term.source, delay, *map(key_of, term.operations))
        found[key] += 1
    return found


def _sources(found: Counter[tuple[Any, ...]]) -> str:
    return ", ".join(sorted({f"{k[0]} {k[1]} steps ago" if k[1] else str(k[0]) for k in found})) or "nothing"


def _order(arriving: Mapping[str, _Arriving], output: str) -> list[str]:
    """Return the layers that lead to the output, in the order in which they first ran, the output last."""
    needed, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in needed and name != INPUT:
            needed.add(name)
            waiting += [t.source for t in arriving[name].terms]
    for name in needed - {output}:
        if any(t.source == output and not t.step for t in arriving[name].terms):
            raise NodeError(f"{name} gets the spikes of {output}, which is the result, in the same step.")
    return [*(n for n in arriving if n in needed and n != output), output]


class _Builder:
    """Populations and connections, as layers are added. A layer is flat where its population is and it is not."""

    def __init__(self, entry: FloatInput, names: Mapping[str, str]) -> None:
        self.entry, self.names = entry, names
        self.populations: list[FloatPopulation] = []
        self.connections: list[FloatConnection] = []
        self.recorded: dict[str, Shape] = {INPUT: entry.shape}  # of each layer, as its module has it
        self.flat: set[str] = set()
        self.constant = unique(ALWAYS_ON, names.values())

    def add(self, layer: Layer, arriving: _Arriving) -> None:
        """Add a layer; one whose neurons differ within a channel, or that no convolution reaches, as a flat one."""
        self.recorded[layer.name] = layer.shape
        try:
            self._add(layer, arriving)
        except NodeError as error:
            if len(layer.shape) == 1:
                raise NodeError(f"{layer.name}: {error}") from error
            self.flat.add(layer.name)
            try:
                self._add(layer, arriving)
            except NodeError:
                raise NodeError(f"{layer.name}: {error}") from error

    def _add(self, layer: Layer, arriving: _Arriving) -> None:
        shape = (math.prod(layer.shape),) if layer.name in self.flat else layer.shape
        n = {what: _of_each_channel(getattr(layer.neurons, what), layer.shape, shape, what) for what in _PER_NEURON}
        terms, constants = _with_recurrence(layer, arriving)
        connections = [self._connection(layer, term, shape, n["gain"]) for term in terms]
        for what, delay in _FEEDBACK.items():
            if n[what].any():
                itself = {**_to_itself(n[what], shape), "delay": delay}
                connections.append(self._named("", layer.name, layer.name, itself))
        bias = n["bias"]
        for delay, values in sorted(constants.items()):
            constant = values.reshape(shape) * n["gain"].reshape(-1, *[1] * (len(shape) - 1))
            rows = constant.reshape(shape[0], -1)
            if not delay and not n["current_keep"].any() and (rows == rows[:, :1]).all():
                bias = bias + rows[:, 0]
            elif constant.any():
                fields = {**constant_fields(constant), "delay": delay}
                connections.append(self._named("", ALWAYS_ON, layer.name, fields))
        if any(c.source == self.constant for c in connections) and self.constant not in self._populated():
            neuron, silent = always_on(self.constant)
            self.populations.insert(0, neuron)
            self.connections.insert(0, silent)
        self.populations.append(_population(self.names[layer.name], shape, layer.neurons, n, bias))
        for connection in connections:
            taken = [*self.names.values(), self.constant, *(c.name for c in self.connections)]
            self.connections.append(replace(connection, name=unique(connection.name, taken)))

    def _connection(self, layer: Layer, term: Term, shape: Shape, gain: np.ndarray) -> FloatConnection:
        """Return the connection that a term is."""
        operations, source = term.operations, self.recorded[term.source]
        if term.source in self.flat:
            operations, source = (Reshape(source), *operations), (math.prod(source),)
        if len(shape) > 1 and term.source in self.flat:
            raise NodeError(f"{term.source} is flat here, and so is what it leads to.")
        fields = fields_to(operations, source, shape, gain, is_flat=shape != layer.shape)
        fields["delay"] += term.step or 0
        return self._named(term.label, term.source, layer.name, fields)

    def _named(self, label: str, source: str, target: str, fields: Mapping[str, Any]) -> FloatConnection:
        start = {INPUT: self.entry.name, ALWAYS_ON: self.constant}.get(source) or self.names[source]
        wanted = label or f"{start}-{self.names[target]}"
        return FloatConnection(legal_names([wanted])[wanted], start, self.names[target], **fields)

    def _populated(self) -> list[str]:
        return [p.name for p in self.populations]


def _with_recurrence(layer: Layer, arriving: _Arriving) -> tuple[list[Term], dict[int, np.ndarray]]:
    """Return what arrives, with the layer's own weights from its spikes of one step before."""
    terms, constants = list(arriving.terms), dict(arriving.constants)
    recurrent = layer.neurons.recurrent
    if recurrent is not None:
        flat = (Reshape((math.prod(layer.shape),)),) if isinstance(recurrent, Dense) else ()
        operations = (*flat, recurrent, *([Reshape(layer.shape)] if flat else []))
        terms.append(Term(layer.name, 1, operations, f"{layer.name}.recurrent"))
        if recurrent.bias.any():
            bias = recurrent.bias.reshape(layer.shape if flat else (-1, 1, 1))
            constants[0] = constants.get(0, np.zeros(layer.shape)) + np.broadcast_to(bias, layer.shape)
    return terms, constants


def _of_each_channel(values: np.ndarray, layer: Shape, shape: Shape, what: str) -> np.ndarray:
    if len(layer) == 3 and layer[1] == 1 and values.ndim == 2:
        values = values[:, None]  # (channels, length) is (channels, 1, length) here
    if layer == shape:
        return per_channel(values, shape, what)
    return np.ascontiguousarray(spread(values, layer, what)).reshape(-1)


def _population(
    name: str, shape: Shape, neurons: TorchNeurons, n: Mapping[str, np.ndarray], bias: np.ndarray
) -> FloatPopulation:
    return FloatPopulation(
        name,
        shape,
        n["threshold"],
        n["voltage_keep"],
        n["current_keep"],
        neurons.fires,
        neurons.fires_at_threshold,
        bias,
        neurons.reset if neurons.fires else "value",
        n["reset_value"],
        n["initial_value"],
    )


def _to_itself(weights: np.ndarray, shape: Shape) -> dict[str, Any]:
    if len(shape) == 1:
        return {"weights": np.diag(weights)}
    return {"weights": weights[:, None, None, None], "groups": len(weights)}
