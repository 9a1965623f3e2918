"""graph_check: what a legal graph of populations and connections is, for both network types.

Raised errors name the object, what was found and what is allowed.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from snn_deploy.connection_arithmetic import pooled_shape, target_shape
from snn_deploy.nearest_name import did_you_mean
from snn_deploy.user_error import UserError


def check_graph(source: Any, populations: Sequence[Any], connections: Sequence[Any], steps: int) -> None:
    """Raise UserError unless `steps` is a number of steps and the structure is legal."""
    if not (isinstance(steps, int) and steps >= 1):
        raise UserError(f"network: steps is {steps!r}; allowed is a whole number from 1.")
    check_structure(source, populations, connections)


def check_structure(source: Any, populations: Sequence[Any], connections: Sequence[Any]) -> None:
    """Raise UserError unless every name is unique, every connection fits both ends and can arrive in time."""
    if not populations or not connections:
        raise UserError("network: no populations or no connections. A network needs at least one of each.")
    nodes = [source, *populations]
    names = Counter([n.name for n in nodes] + [c.name for c in connections])
    for name, times in names.items():
        if times > 1:
            raise UserError(f"network: the name {name!r} stands for {times} things; every name must be unique.")
        if not name or not all(letter.isalnum() or letter in "_-." for letter in name):
            raise UserError(f"network: the name {name!r}; allowed are letters, digits, '_', '-' and '.'.")
    for node in nodes:
        if len(node.shape) not in (1, 3) or not all(isinstance(s, int) and s >= 1 for s in node.shape):
            raise UserError(
                f"population {node.name!r}: shape {node.shape}; allowed is (features,) or (channels, height, width)."
            )
    order = {node.name: i for i, node in enumerate(nodes)}
    shapes = {node.name: node.shape for node in nodes}
    for connection in connections:
        for end in ("source", "target"):
            name = getattr(connection, end)
            if name not in order:
                raise UserError(
                    f"connection {connection.name!r}: {end} {name!r} is no population.{did_you_mean(name, order)}"
                )
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
        pair = getattr(connection, name)
        if len(pair) != 2 or not all(isinstance(p, int) and p >= least for p in pair):
            raise UserError(f"{where}: {name} {pair}; allowed is a pair of whole numbers from {least}.")
    if connection.delay < 0:
        raise UserError(f"{where}: delay {connection.delay}; allowed is a whole number of steps from 0.")
    if (len(weights) == 4 or connection.pool != (1, 1)) and len(source_shape) != 3:
        raise UserError(
            f"{where}: a convolution or pooling needs a source of shape (channels, height, width), not {source_shape}."
        )
    pooled = pooled_shape(source_shape, connection.pool)
    if len(weights) == 4:
        fan_in, found = pooled[0], weights[1] * connection.groups
        if connection.groups < 1 or weights[0] % connection.groups:
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
    pool_after = getattr(connection, "pool_after", (1, 1))  # of a FloatConnection alone
    if pool_after != (1, 1):
        if len(weights) != 4 or len(pool_after) != 2 or not all(isinstance(p, int) and p >= 1 for p in pool_after):
            raise UserError(f"{where}: pool_after {pool_after}; allowed is a pair from 1, after a convolution.")
        arrives = pooled_shape(arrives, pool_after)
    if min(arrives) < 1:
        raise UserError(f"{where}: nothing is left of {source_shape} after pooling and the kernel {weights[2:]}.")
    if arrives != tuple(shape) and not (len(weights) == 2 and arrives[0] == shape[0] and len(shape) == 1):
        raise UserError(f"{where}: brings shape {arrives} to {connection.target!r} of shape {tuple(shape)}.")
