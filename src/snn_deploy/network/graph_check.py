"""graph_check: what a legal graph of populations and connections is, for both network types.

Raised errors name the object, what was found and what is allowed.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from snn_deploy.network.connection_arithmetic import pooled_shape, target_shape
from snn_deploy.network.field_check import (
    MOST_STEPS,
    is_whole,
    require_name,
    require_pair,
    require_shape,
    require_whole,
    shown,
)
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError


def check_graph(source: Any, populations: Sequence[Any], connections: Sequence[Any], steps: int) -> None:
    """Raise UserError unless `steps` is a number of steps and the structure is legal."""
    if not is_whole(steps, 1, MOST_STEPS):
        raise UserError(f"network: steps is {shown(steps)}; allowed is a whole number from 1 to {MOST_STEPS}.")
    check_structure(source, populations, connections)


def check_structure(source: Any, populations: Sequence[Any], connections: Sequence[Any]) -> None:
    """Raise UserError unless every name is unique, every connection fits both ends and can arrive in time."""
    if not populations or not connections:
        raise UserError("network: no populations or no connections. A network needs at least one of each.")
    nodes = [source, *populations]
    for named in (*nodes, *connections):
        require_name(named.name)
    names = Counter([n.name for n in nodes] + [c.name for c in connections])
    for name, times in names.items():
        if times > 1:
            raise UserError(f"network: the name {name!r} stands for {times} things; every name must be unique.")
    for node in nodes:
        require_shape(node.name, node.shape)
    order = {node.name: i for i, node in enumerate(nodes)}
    shapes = {node.name: node.shape for node in nodes}
    for connection in connections:
        for end in ("source", "target"):
            name = getattr(connection, end)
            if name not in order:
                hint = did_you_mean(name, order) if isinstance(name, str) else ""
                raise UserError(f"connection {connection.name!r}: {end} {shown(name)} is no population.{hint}")
        _check_connection(connection, shapes[connection.source], shapes[connection.target])
        if connection.target == source.name:
            raise UserError(f"connection {connection.name!r}: ends at the input, which only sends.")
        if order[connection.source] >= order[connection.target] and connection.delay < 1:
            raise UserError(
                f"connection {connection.name!r}: goes back from {connection.source!r} to {connection.target!r} "
                f"with delay {connection.delay}; a connection that goes back needs a delay of at least 1 step."
            )
    targets = {c.target for c in connections}
    for population in populations:
        if population.name not in targets:
            raise UserError(f"population {population.name!r}: no connection reaches it.")


def _check_connection(connection: Any, source_shape: tuple[int, ...], shape: tuple[int, ...]) -> None:
    where = f"connection {connection.name!r}"
    weights = connection.weights_shape
    if len(weights) not in (2, 4) or 0 in weights:
        raise UserError(f"{where}: weights of shape {weights}; allowed is (out, in) or (out, in, height, width).")
    for name, least in (("stride", 1), ("padding", 0), ("dilation", 1), ("pool", 1)):
        require_pair(where, name, getattr(connection, name), least)
    require_whole(where, "delay", connection.delay, 0, MOST_STEPS)
    require_whole(where, "groups", connection.groups, 1, MOST_STEPS)
    if (len(weights) == 4 or connection.pool != (1, 1)) and len(source_shape) != 3:
        raise UserError(
            f"{where}: a convolution or pooling needs a source of shape (channels, height, width), not {source_shape}."
        )
    pooled = pooled_shape(source_shape, connection.pool)
    if len(weights) == 4:
        fan_in, found = pooled[0], weights[1] * connection.groups
        if weights[0] % connection.groups:
            raise UserError(f"{where}: groups {connection.groups} do not divide {weights[0]} output channels.")
    else:
        fan_in, found = 1, weights[1]
        for size in pooled:
            fan_in *= size
    if fan_in != found:
        raise UserError(f"{where}: weights for {found} inputs, but {connection.source!r} brings {fan_in}.")
    arrives = target_shape(
        source_shape, weights, connection.stride, connection.padding, connection.dilation, connection.pool
    )
    if min(arrives) < 1:
        raise UserError(f"{where}: nothing is left of {source_shape} after pooling and the kernel {weights[2:]}.")
    if arrives != tuple(shape) and not (len(weights) == 2 and arrives[0] == shape[0] and len(shape) == 1):
        raise UserError(f"{where}: brings shape {arrives} to {connection.target!r} of shape {tuple(shape)}.")
