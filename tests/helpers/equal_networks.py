"""Where two networks differ, field by field, as the name of the first field that does."""

from dataclasses import fields, is_dataclass

import numpy as np


def first_difference(one, other, where="network"):
    """Return the name of the first field that differs between two frozen values, or None."""
    if isinstance(one, np.ndarray):
        return None if np.array_equal(one, other) else where
    if is_dataclass(one):
        pairs = ((getattr(one, f.name), getattr(other, f.name), f"{where}.{f.name}") for f in fields(one))
    elif isinstance(one, tuple) and len(one) == len(other):
        pairs = ((a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(one, other, strict=True)))
    else:
        return None if one == other else where
    return next(filter(None, (first_difference(*pair) for pair in pairs)), None)
