"""fields: the fields of a NIR node as numbers, or a NodeError that names the field."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.field_check import shown


def numbers(node: Mapping[str, Any], name: str, default: float | None = None) -> np.ndarray:
    """Return the field `name` as doubles; a missing one is `default`, or refused where there is none."""
    value = node.get(name)
    if value is None:
        if default is None:
            raise NodeError(f"the field {name!r} is missing.")
        return np.array(default)
    try:
        values = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise NodeError(f"{name} is {' '.join(shown(value).split())}, no numbers.") from None
    if not np.isfinite(values).all() or values.size == 0:
        raise NodeError(f"{name} holds values that are not finite, or none.")
    return values


def pair(node: Mapping[str, Any], name: str, least: int, default: int | None = None) -> Pair:
    """Return the field `name`, one whole number from `least` or two, as two."""
    values = numbers(node, name, default).reshape(-1)
    if values.size not in (1, 2) or (values != np.rint(values)).any() or values.min() < least:
        raise NodeError(f"{name} is {values.tolist()}; allowed are one or two whole numbers from {least}.")
    return int(values[0]), int(values[-1])


def whole(node: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """Return the field `name`, one whole number."""
    values = numbers(node, name, default)
    if values.size != 1 or values.reshape(())[()] != int(values.reshape(())):
        raise NodeError(f"{name} is {values.tolist()}; allowed is one whole number.")
    return int(values.reshape(()))
