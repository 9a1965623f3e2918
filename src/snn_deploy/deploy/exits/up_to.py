"""up_to: recorded values of samples that stop early, with 0 after the step of each."""

import numpy as np


def up_to(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return `values`, (steps, samples, *shape), with 0 after each sample's step of `steps`, (samples,), from 1."""
    happens = np.arange(len(values))[:, None] < steps
    return np.asarray(values * happens.reshape(*happens.shape, *[1] * (values.ndim - 2)).astype(values.dtype))
