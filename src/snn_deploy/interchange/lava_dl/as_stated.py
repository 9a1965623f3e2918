"""as_stated: layers of a .net file that this package wrote, with the names and parts that its statement gives them.

Exponents and pooling stand inside the weights of the file, and the connections of a layer in one matrix of weights and
one of delays. What the statement says must make the file's layers again, else it is damaged.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair, pooled_shape
from snn_deploy.network.expand_pooling import expand_pooling
from snn_deploy.network.integer_network import IntegerConnection, IntegerPopulation
from snn_deploy.network.net_statement import StatedConnection, StatedPopulation, Statement

_MAY_HAVE_NO_EFFECT = {"threshold", "reset", "reset_value", "initial_value"}


def stated_populations(
    plain: Sequence[IntegerPopulation], never_fires: Sequence[bool], statement: Statement
) -> tuple[IntegerPopulation, ...]:
    """Return the populations of the file with their names and the parameters that have no effect.

    never_fires: which of them have no threshold in the file. ValueError where a parameter would have an effect.
    """
    return tuple(
        _population(p, never, stated)
        for p, never, stated in zip(plain, never_fires, statement.populations, strict=True)
    )


def stated_connections(
    plain: Sequence[IntegerConnection],
    populations: Sequence[IntegerPopulation],
    input_shape: tuple[int, ...],
    statement: Statement,
) -> tuple[IntegerConnection, ...]:
    """Return the connections as they were when the file was written.

    plain: of the file; a target's forward connections differ in their delay. populations: that stand in it, with their
    own names, in order. ValueError where the statement does not make the connections of the file.
    """
    given = (statement.input, *(p.name for p in statement.populations))
    names = dict(zip(given, ("input", *(p.name for p in populations)), strict=True))
    shapes = dict(zip(given, (input_shape, *(p.shape for p in populations)), strict=True))
    left = {(c.source, c.target, c.delay): c for c in plain}
    found = []
    for stated in statement.connections:
        key = (names[stated.source], names[stated.target], stated.delay)
        part = left.pop(key, None) or _silent(plain, key)
        found.append(_connection(part, stated, shapes[stated.source]))
    if any(c.weights.any() for c in left.values()):
        raise ValueError(f"{len(left)} connections more in the file")
    return tuple(found)


def _population(p: IntegerPopulation, never_fires: bool, stated: StatedPopulation) -> IntegerPopulation:
    remembers = p.voltage_keep > 0
    if not stated.without_effect.keys() <= _MAY_HAVE_NO_EFFECT:
        raise ValueError(f"{stated.name} with {', '.join(map(str, stated.without_effect))}")
    found = replace(p, name=stated.name, fires=stated.fires, **stated.without_effect)
    if not stated.fires and not never_fires:
        raise ValueError(f"{stated.name} fires in the file")
    if stated.fires and "threshold" in stated.without_effect:
        raise ValueError(f"{stated.name} has a second threshold")
    changed = (found.reset != "value" and remembers.any()) or found.reset_value[remembers].any()
    if (stated.fires and changed) or found.initial_value[remembers].any():
        raise ValueError(f"{stated.name} with a reset or an initial value that the file has not")
    return found


def _silent(plain: Sequence[IntegerConnection], key: tuple[str, str, int]) -> IntegerConnection:
    """Return a connection without weights that differ from 0, of whose delay the file therefore knows nothing."""
    like = next((c for c in plain if (c.source, c.target) == key[:2]), None)
    if like is None:
        raise ValueError(f"no layer from {key[0]} to {key[1]}")
    return replace(like, weights=np.zeros_like(like.weights), exponent=0, delay=key[2])


def _connection(part: IntegerConnection, stated: StatedConnection, source_shape: tuple[int, ...]) -> IntegerConnection:
    """Return the connection whose exponent and pooling went into the weights of `part`."""
    scaled = part.weights.astype(np.int64) << part.exponent
    weights = _before_pooling(scaled >> stated.exponent, stated, source_shape)
    stride, padding, dilation = _geometry_before_pooling(part, stated)
    found = replace(
        part,
        name=stated.name,
        source=stated.source,
        target=stated.target,
        weights=weights,
        exponent=stated.exponent,
        stride=stride,
        padding=padding,
        dilation=dilation,
        pool=stated.pool,
    )
    again = expand_pooling(found, source_shape)
    same = np.array_equal(again.weights.astype(np.int64) << again.exponent, scaled)
    if not same or (again.stride, again.padding, again.dilation) != (part.stride, part.padding, part.dilation):
        raise ValueError(f"{stated.name} with weights or a geometry that the file has not")
    return found


def _before_pooling(weights: np.ndarray, stated: StatedConnection, source_shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights before expand_pooling repeated them."""
    if stated.pool == (1, 1):
        return weights
    if len(source_shape) != 3 or not all(1 <= p <= n for p, n in zip(stated.pool, source_shape[1:], strict=True)):
        raise ValueError(f"{stated.name} with pooling {stated.pool} of {source_shape}")
    if weights.ndim == 2:
        maps = weights.reshape(-1, *source_shape)
        _, height, width = pooled_shape(source_shape, stated.pool)
        picked = maps[:, :, :: stated.pool[0], :: stated.pool[1]][:, :, :height, :width]
        return picked.reshape(len(weights), -1)
    steps = [p * d if p > 1 else 1 for p, d in zip(stated.pool, stated.dilation, strict=True)]
    return weights[:, :, :: steps[0], :: steps[1]]


def _geometry_before_pooling(part: IntegerConnection, stated: StatedConnection) -> tuple[Pair, Pair, Pair]:
    """Return stride, padding and dilation before expand_pooling multiplied those of a convolution."""
    if part.weights.ndim == 2:
        return part.stride, part.padding, part.dilation
    down, across = stated.pool
    stride, padding = part.stride, part.padding
    return (stride[0] // down, stride[1] // across), (padding[0] // down, padding[1] // across), stated.dilation
