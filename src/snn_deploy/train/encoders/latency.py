"""Encoder `latency`: a value is one spike, the larger the earlier in the value's steps; 0 is none."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.train.data.first_spikes import first_spikes
from snn_deploy.train.data.signals import LARGEST, QuantizedSignals
from snn_deploy.train.encoders._sides import sides


@dataclass(frozen=True)
class Encoder:
    """frames: steps for each value. signed: whether a channel is two inputs, how far it is below its mean in the
    training samples and how far above; else it is one, from its least value on.
    """

    frames: Annotated[int, Ge(2), Le(100)] = 4
    signed: bool = True

    @property
    def largest_value(self) -> int:
        """The largest value of a frame."""
        return 1

    def __call__(self, signals: QuantizedSignals) -> np.ndarray:
        """Return 0 and 1, uint8 (samples, kinds, channels, time, frames)."""
        return first_spikes(sides(signals, self.signed), LARGEST, self.frames)

    def resumed(self, signals: QuantizedSignals, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the frames and nothing: each value is encoded alone."""
        return self(signals), None
