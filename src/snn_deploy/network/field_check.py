"""field_check: what the fields of a network may hold, for both network types. A file may claim anything.

Limits are far beyond every network and small enough that nothing which only says that it is large is believed.
"""

import math
import reprlib

import numpy as np

from snn_deploy.support.user_error import UserError

MOST_STEPS = 2**20
MOST_NEURONS = 2**31 - 1  # of a population: indices stay 32-bit numbers
_LONGEST_NAME = 200


def is_whole(value: object, least: int, most: int) -> bool:
    """Return whether `value` is a whole number from `least` to `most`; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def require_whole(where: str, name: str, value: object, least: int, most: int) -> None:
    """Raise UserError unless the field `name` holds a whole number from `least` to `most`."""
    if not is_whole(value, least, most):
        raise UserError(f"{where}: {name} {shown(value)}; allowed is a whole number from {least} to {most}.")


def require_pair(where: str, name: str, pair: object, least: int, most: int = MOST_STEPS) -> None:
    """Raise UserError unless the field `name` holds two whole numbers from `least` to `most`."""
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(is_whole(p, least, most) for p in pair)):
        raise UserError(f"{where}: {name} {shown(pair)}; allowed is a pair of whole numbers from {least} to {most}.")


def require_name(name: object) -> None:
    """Raise UserError unless `name` can be a population's, an input's or a connection's, and part of a file's name."""
    is_name = isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME
    if not (is_name and all(letter.isalnum() or letter in "_-." for letter in str(name))):
        raise UserError(
            f"network: the name {shown(name)}; allowed are letters, digits, '_', '-' and '.', {_LONGEST_NAME} at most."
        )


def require_shape(name: object, shape: object) -> None:
    """Raise UserError unless `shape` is that of a population or an input `name`."""
    sizes = shape if isinstance(shape, tuple) and all(is_whole(s, 1, MOST_NEURONS) for s in shape) else ()
    if len(sizes) not in (1, 3) or math.prod(sizes) > MOST_NEURONS:
        raise UserError(
            f"population {shown(name)}: shape {shown(shape)}; allowed is (features,) or (channels, height, width), "
            f"{MOST_NEURONS} neurons at most."
        )


def require_flag(where: str, name: str, value: object) -> None:
    """Raise UserError unless the field `name` is true or false."""
    if not isinstance(value, bool):
        raise UserError(f"{where}: {name} {shown(value)}; allowed are true and false.")


def per_channel(where: str, name: str, values: np.ndarray, channels: int) -> np.ndarray:
    """Return `values` with one for each channel, (channels,); one value stands for all of them."""
    require_numbers(where, name, values)
    if values.shape not in ((), (1,), (channels,)):
        raise UserError(f"{where}: {name} of shape {values.shape}; allowed is one value, or one for each channel.")
    return np.broadcast_to(values, (channels,))


def require_numbers(where: str, name: str, values: np.ndarray) -> None:
    """Raise UserError unless `values` are real numbers, whole or not."""
    if values.dtype.kind not in "iubf":
        raise UserError(f"{where}: {name} of type {values.dtype}; allowed are numbers.")


def require_arrays(arrays: dict[str, np.ndarray], prefix: str, channels: int) -> None:
    """Raise UserError unless every array of a file below `prefix` has one number for each channel."""
    for name, values in arrays.items():
        if name.startswith(prefix) and values.shape != (channels,):
            raise UserError(f"{name} has shape {values.shape}; allowed is ({channels},).")


def shown(value: object) -> str:
    """Return `value` as an error shows it: in full where it is short."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    return short.repr(value)
