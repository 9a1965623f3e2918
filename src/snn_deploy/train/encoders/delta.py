"""Encoder `delta`: delta modulation: a spike where a channel has moved by `threshold`, down or up.

What a channel was is followed in steps of the threshold, from its mean in the training samples on, as by an event
camera for each value (Steele 1975, "Delta Modulation Systems").
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.train.data.signals import LARGEST, QuantizedSignals


@dataclass(frozen=True)
class Encoder:
    """threshold: of the 255 levels from a channel's least to its largest training value. frames: steps for each value,
    in each of which a channel sends one spike at most; what is left then goes into the next value's steps.
    """

    threshold: Annotated[int, Ge(1), Le(LARGEST)] = 16
    frames: Annotated[int, Ge(1), Le(100)] = 1

    @property
    def largest_value(self) -> int:
        """The largest value of a frame."""
        return 1

    def __call__(self, signals: QuantizedSignals) -> np.ndarray:
        """Return 0 and 1, uint8 (samples, 2, channels, time, frames), down before up."""
        return self.resumed(signals, None)[0]

    def resumed(self, signals: QuantizedSignals, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the spikes, and where they say that each channel is, (samples, channels)."""
        samples, channels, time = signals.values.shape
        followed = np.broadcast_to(signals.middles.astype(np.int64) if state is None else state, (samples, channels))
        spikes = np.zeros((samples, 2, channels, time, self.frames), np.uint8)
        for t in range(time):
            for frame in range(self.frames):
                moved = signals.values[:, :, t] - followed
                down, up = moved <= -self.threshold, moved >= self.threshold
                spikes[:, 0, :, t, frame], spikes[:, 1, :, t, frame] = down, up
                followed = followed + self.threshold * (up.astype(np.int64) - down)
        return spikes, followed
