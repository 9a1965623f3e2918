"""first_spikes: TTFS, time to first spike (TB Sec. 2): a value spikes once, the larger the earlier; 0 never does."""

import numpy as np


def first_spikes(values: np.ndarray, largest: int, steps: int) -> np.ndarray:
    """Return uint8 (*shape, steps) of 0 and 1 for `values` of 0..largest.

    Of n steps, step k has the values from (n - k - 1) / n of the largest one on that are not in an earlier one.
    """
    found = np.asarray(values, np.int64)
    step = np.minimum((largest - found) * steps // largest, steps - 1)
    is_now = (step[..., None] == np.arange(steps)) & (found[..., None] > 0)
    return is_now.astype(np.uint8)
