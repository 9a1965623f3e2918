"""closed_loop: a signal continued by a network that predicts its next value: each prediction is the next input.

The network keeps its state from step to step (streaming.py). It is shown true values up to a point, and from there on
what it has predicted itself, made integers of by the same encoder.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

Advance = Callable[[np.ndarray], np.ndarray]
"""Takes the steps of frames (steps, *input shape) and returns the output's value after the last, a float64 scalar."""


class Encode(Protocol):
    """An encoder in the middle of a stream; StreamedSignals is one."""

    def __call__(self, values: np.ndarray, where: str) -> np.ndarray:
        """Return uint8 (frames, *input shape) of `values`, (time, channels)."""


def continued(
    advance: Advance,
    encode: Encode,
    values: np.ndarray,
    window: int,
    known: int,
    *,
    feeds_back: bool = True,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return what is predicted for values[known] and all that follow it, float64 (len(values) - known,).

    values: (time,). The first `known` are shown as they are, a window of `window` that ends with each in turn. Then
    each prediction takes the place of its value; with `feeds_back` False the true ones are shown to the end.
    progress: called with 1 after each window.
    """
    seen = values[:known].tolist()
    predicted: list[float] = []
    for place in range(window, len(values)):
        shown = np.asarray(seen[place - window : place])
        value = float(advance(encode(shown[None], f"value {place}")))
        if place >= known:
            predicted.append(value)
            seen.append(value if feeds_back else float(values[place]))
        if progress:
            progress(1)
    return np.array(predicted)
