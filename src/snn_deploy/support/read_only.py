"""read_only: arrays inside frozen dataclasses do not change either."""

import numpy as np
from numpy.typing import DTypeLike


def read_only(values: object, dtype: DTypeLike) -> np.ndarray:
    """Return `values` as a contiguous array of `dtype` that nobody can write to; a copy where one is needed."""
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.ndim == 0:
        array = array.reshape(())
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array
