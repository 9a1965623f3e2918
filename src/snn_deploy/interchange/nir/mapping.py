"""mapping: every node of a flat NIR graph as an operation or as neurons, with the shapes that flow between them."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import Flatten, NodeError, Operation, Scale, Shape, Wait
from snn_deploy.interchange.nir.fields import numbers, whole
from snn_deploy.interchange.nir.flat_graph import FlatGraph
from snn_deploy.interchange.nir.neurons import KINDS, Neurons, Steps, neurons
from snn_deploy.interchange.nir.pooling import pool2d
from snn_deploy.interchange.nir.refusal import Refusals
from snn_deploy.interchange.nir.weights import conv1d, conv2d, dense

_AXES = {"Linear": 1, "Affine": 1, "Conv1d": 2, "Conv2d": 3}  # of what a node takes
_MOST_PIXELS = 1 << 28  # of one signal: a file cannot make the reader allocate more


@dataclass
class Mapped:
    """What the nodes are: name -> operation, or neurons; and the shape of what each puts out."""

    operations: dict[str, Operation] = field(default_factory=dict)
    neurons: dict[str, Neurons] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)


def map_nodes(graph: FlatGraph, steps: Steps, refusals: Refusals) -> Mapped:
    """Return what the nodes of `graph` are; what cannot be taken is added to `refusals`."""
    mapped = Mapped()
    for name, node in graph.nodes.items():
        if node["type"] not in (*_OPERATIONS, *KINDS, "Input", "Output"):
            refusals.reasons[name] = f"{node['type']}, which is none of {', '.join((*_OPERATIONS, *KINDS))}."
    followers: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for name, feeders in graph.feeders.items():
        for feeder in feeders:
            followers[feeder].append(name)
    with refusals.collect(graph.input):
        axes = {_AXES.get(graph.nodes[name]["type"]) for name in followers[graph.input]}
        mapped.shapes[graph.input] = _input_shape(graph.nodes[graph.input], axes.pop() if len(axes) == 1 else None)
    waiting = deque([graph.input])
    while waiting:
        feeder = waiting.popleft()
        for name in followers[feeder] if feeder in mapped.shapes else ():
            arriving = mapped.shapes[feeder]
            if name in mapped.shapes or name in refusals.reasons:
                continue
            with refusals.collect(name):
                _map_node(name, graph.nodes[name], arriving, steps, mapped)
                waiting.append(name)
    if not refusals.reasons:
        _require_agreement(graph, mapped, refusals)
    return mapped


def _map_node(name: str, node: Mapping[str, Any], arriving: Shape, steps: Steps, mapped: Mapped) -> None:
    kind = node["type"]
    if kind in KINDS:
        mapped.neurons[name] = neurons(node, arriving, steps)
        mapped.shapes[name] = arriving
    elif kind in _OPERATIONS:
        operation = _OPERATIONS[kind](node, arriving, steps.length)
        shape = operation.output_shape(arriving)
        if not 0 < math.prod(shape) <= _MOST_PIXELS:
            raise NodeError(f"it would put out the shape {shape}; allowed are 1 to {_MOST_PIXELS} values.")
        mapped.shapes[name] = shape
        mapped.operations[name] = operation
    else:
        mapped.shapes[name] = arriving


def _require_agreement(graph: FlatGraph, mapped: Mapped, refusals: Refusals) -> None:
    """Refuse nodes that nothing reaches, and sums of unlike shapes."""
    for name in graph.nodes:
        with refusals.collect(name):
            if name not in mapped.shapes:
                raise NodeError("nothing reaches it from the Input.")
            shapes = {mapped.shapes[f] for f in graph.feeders[name] if f in mapped.shapes}
            if len(shapes) > 1:
                raise NodeError(f"it gets the shapes {' and '.join(map(str, sorted(shapes)))}, which cannot be added.")


def _input_shape(node: Mapping[str, Any], axes: int | None) -> Shape:
    """Return the shape of the input; where what follows takes fewer `axes`, a first one of 1 is that of the batch."""
    given = node.get("shape")
    if isinstance(node.get("input_type"), Mapping):  # an object of the nir package, not yet a file
        given = node["input_type"].get("input")
    sizes = numbers({"shape": given}, "shape").reshape(-1)
    if (sizes < 1).any() or (sizes != np.rint(sizes)).any() or math.prod(sizes.tolist()) > _MOST_PIXELS:
        raise NodeError(f"the shape {sizes.tolist()}; allowed are whole numbers from 1.")
    shape = tuple(int(s) for s in sizes)
    if axes == len(shape) - 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > 3:
        raise NodeError(
            f"the shape {shape}; allowed are (features,), (channels, length) and (channels, height, width). Export "
            "without the axis of the batch."
        )
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape


def _flatten(node: Mapping[str, Any], arriving: Shape, time_step: float) -> Flatten:
    given = node.get("input_type")
    given = given.get("input") if isinstance(given, Mapping) else given
    axes = None if given is None else np.asarray(given).size
    return Flatten(whole(node, "start_dim", 1), whole(node, "end_dim", -1), axes)


def _wait(node: Mapping[str, Any], arriving: Shape, time_step: float) -> Wait:
    delay = numbers(node, "delay")
    steps = delay.reshape(-1)[0] / time_step
    if (delay != delay.reshape(-1)[0]).any() or steps < 0 or abs(steps - np.rint(steps)) > 1e-6 * max(1.0, steps):
        raise NodeError(
            f"delays of {delay.min():g}..{delay.max():g}; allowed is one for all neurons, in whole steps of "
            f"{time_step:g}."
        )
    return Wait(int(np.rint(steps)))


_Convert = Callable[[Mapping[str, Any], Shape, float], Operation]
_OPERATIONS: dict[str, _Convert] = {
    "Linear": lambda node, shape, step: dense(node),
    "Affine": lambda node, shape, step: dense(node),
    "Conv1d": lambda node, shape, step: conv1d(node),
    "Conv2d": lambda node, shape, step: conv2d(node),
    "SumPool2d": lambda node, shape, step: pool2d(node, shape, "sum"),
    "AvgPool2d": lambda node, shape, step: pool2d(node, shape, "average"),
    "Flatten": _flatten,
    "Scale": lambda node, shape, step: Scale(numbers(node, "scale")),
    "Delay": _wait,
    "Identity": lambda node, shape, step: Scale(np.ones(())),
}
