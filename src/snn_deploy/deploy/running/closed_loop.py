"""closed_loop: a signal continued by a network that predicts its next value: each prediction is the next input.

The network keeps its state from step to step (streaming.py). It is shown true values up to a point, and from there on
what it has predicted itself, made integers of by the same encoder.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

Advance = Callable[[np.ndarray], np.ndarray]
"""Takes the steps of frames (steps, *input shape) and returns what was read in them, float64 (readings,)."""


class Encode(Protocol):
    """An encoder in the middle of a stream; StreamedSignals is one."""

    def __call__(self, values: np.ndarray, where: str) -> np.ndarray:
        """Return uint8 (frames, *input shape) of `values`, (time, channels)."""


def one_ahead(advance: Advance, encode: Encode, values: np.ndarray, window: int) -> np.ndarray:
    """Return what is predicted for values[window] and all that follow it, each from the true values before it.

    values: float64 (time,), of which the last `window` are shown at once, one window after the other.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:-1], window)
    return advance(encode(windows, "series"))


def continued(
    advance: Advance,
    encode: Encode,
    values: np.ndarray,
    window: int,
    count: int,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return `count` values that are predicted to follow `values`, float64 (count,).

    values: (time,), which are shown as they are, a window of `window` that ends with each in turn; then each prediction
    is the next value. progress: called with 1 after each of them.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values, window)
    seen = [*values[-window:], advance(encode(windows, "series"))[-1]]
    for _ in range(count - 1):
        shown = np.array([seen[-window:]])
        seen.append(advance(encode(shown, "a prediction"))[0])
        if progress:
            progress(1)
    return np.array(seen[window:])
