"""cut_network: some layers of a network as a network of their own, whose input is what their other sources sent.

A layer that hears several sources hears one input instead, on which they stand beside each other: vectors end to end;
maps in channels of their own, on a canvas that every map divides. A smaller map has a pixel in every few of the
canvas, and its kernel steps over the zeros between them. So a cut network is an IntegerNetwork like any other, and
every backend runs it.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork
from snn_deploy.network.largest_values import largest_sent_value
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class Place:
    """Where a source stands on the input of the cut network: from this channel on, a pixel in every `spread`."""

    source: str
    shape: tuple[int, ...]
    first: int
    spread: tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """The network of the kept layers, and where their sources stand on its input."""

    network: IntegerNetwork
    places: tuple[Place, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The layers (or the input) that were cut off and are heard."""
        return tuple(place.source for place in self.places)

    def inputs(self, spikes: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return (steps, samples, *input shape) from what every source sent, (steps, samples, *source shape)."""
        if len(self.places) == 1:
            return spikes[self.places[0].source]
        leading = spikes[self.places[0].source].shape[:2]
        together = np.zeros((*leading, *self.network.input.shape), np.uint8)
        for place in self.places:
            values = spikes[place.source].reshape(*leading, *_as_map(place.shape, len(self.network.input.shape)))
            channels = slice(place.first, place.first + place.shape[0])
            where = (..., channels, *(slice(None, None, step) for step in place.spread))
            together[where] = values
        return together


def first_layers(network: IntegerNetwork, inputs: np.ndarray, count: int) -> tuple[IntegerNetwork, np.ndarray]:
    """Return the network of the first `count` populations and its inputs (see simulation.as_frames for `inputs`).

    What later populations would send back is what they send in the reference.
    """
    if not 1 <= count <= len(network.populations):
        raise UserError(f"layers {count}; the network has {len(network.populations)}, allowed is 1 to that.")
    cut = cut_network(network, {p.name for p in network.populations[:count]})
    if cut.sources == (network.input.name,):
        return cut.network, inputs
    spikes = load_backend("reference").run(network, inputs, record=True).spikes
    assert spikes is not None  # record=True
    return cut.network, cut.inputs(spikes)


def cut_network(network: IntegerNetwork, kept: Collection[str]) -> Cut:
    """Return the populations `kept`, with all connections that end at them."""
    populations = tuple(p for p in network.populations if p.name in kept)
    connections = [c for c in network.connections if c.target in kept]
    heard = {c.source for c in connections} - set(kept)
    sources = [n for n in (network.input.name, *(p.name for p in network.populations)) if n in heard]
    places = _places({name: network.shape_of(name) for name in sources})
    canvas = _canvas(places)
    by_source = {place.source: place for place in places}
    name = sources[0] if len(sources) == 1 else _free_name(network)
    largest = max(largest_sent_value(network.input, source) for source in sources)
    return Cut(
        replace(
            network,
            input=IntegerInput(name, canvas, largest),
            populations=populations,
            connections=tuple(
                c if c.source not in by_source else _moved(c, by_source[c.source], canvas, name) for c in connections
            ),
            provenance={},
        ),
        places,
    )


def _free_name(network: IntegerNetwork) -> str:
    taken = {p.name for p in network.populations} | {c.name for c in network.connections}
    name = "sources"
    while name in taken:
        name += "_"
    return name


def _places(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Place, ...]:
    dimensions = max(len(shape) for shape in shapes.values())
    maps = [_as_map(shape, dimensions) for shape in shapes.values()]
    common = [math.lcm(*lengths) for lengths in list(zip(*maps, strict=True))[1:]]
    places, first = [], 0
    for (source, shape), as_map in zip(shapes.items(), maps, strict=True):
        spread = tuple(length // own for length, own in zip(common, as_map[1:], strict=True))
        places.append(Place(source, shape, first, spread))
        first += shape[0]
    return tuple(places)


def _canvas(places: tuple[Place, ...]) -> tuple[int, ...]:
    channels = sum(place.shape[0] for place in places)
    spread = places[0].spread
    own = _as_map(places[0].shape, 1 + len(spread))[1:]
    return (channels, *(length * s for length, s in zip(own, spread, strict=True)))


def _as_map(shape: tuple[int, ...], dimensions: int) -> tuple[int, ...]:
    """Return the shape of a vector among maps: one pixel, many channels."""
    return shape + (1,) * (dimensions - len(shape))


def _moved(c: IntegerConnection, place: Place, canvas: tuple[int, ...], name: str) -> IntegerConnection:
    """Return the connection reading `place` of the canvas."""
    if canvas == place.shape:  # the only source
        return replace(c, source=name)
    out, channels = len(c.weights), slice(place.first, place.first + place.shape[0])
    if len(canvas) == 1:
        weights = np.zeros((out, canvas[0]), np.int16)
        weights[:, channels] = c.weights
        return replace(c, source=name, weights=weights)
    spread = (place.spread[0], place.spread[1])
    widened = (c.pool[0] * spread[0], c.pool[1] * spread[1])  # each window holds what the window of the map held
    if c.weights.ndim == 2:
        seen = pooled_shape(_as_map(place.shape, 3), c.pool)
        weights = np.zeros((out, canvas[0], *seen[1:]), np.int16)
        weights[:, channels] = c.weights.reshape(out, *seen)
        return replace(c, source=name, weights=weights.reshape(out, -1), pool=widened)
    weights = np.zeros((out, canvas[0], *c.weights.shape[2:]), np.int16)
    read, written = c.weights.shape[1], out // c.groups
    for group in range(c.groups):
        start, rows = place.first + group * read, slice(group * written, (group + 1) * written)
        weights[rows, start : start + read] = c.weights[rows]
    moved = replace(c, source=name, weights=weights, groups=1)
    if c.pool != (1, 1):
        return replace(moved, pool=widened)
    stride, padding, dilation = (
        (pair[0] * spread[0], pair[1] * spread[1]) for pair in (c.stride, c.padding, c.dilation)
    )
    return replace(moved, stride=stride, padding=padding, dilation=dilation)
