"""Encoder `current`: quantized values enter as they are, as currents."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.train.data.signals import LARGEST, QuantizedSignals
from snn_deploy.train.encoders._sides import sides


@dataclass(frozen=True)
class Encoder:
    """levels: of the whole range of a channel, above 0. signed: whether a channel is two inputs, how far it is below
    its mean in the training samples and how far above; else it is one, from its least value on. frames: for how many
    steps a value is shown.
    """

    levels: Annotated[int, Ge(1), Le(LARGEST)] = LARGEST
    signed: bool = True
    frames: Annotated[int, Ge(1), Le(100)] = 1

    @property
    def largest_value(self) -> int:
        """The largest value of a frame."""
        return self.levels

    def __call__(self, signals: QuantizedSignals) -> np.ndarray:
        """Return uint8 (samples, kinds, channels, time, frames), each value the nearest of the levels."""
        values = (sides(signals, self.signed).astype(np.int64) * self.levels * 2 + LARGEST) // (2 * LARGEST)
        return np.repeat(values.astype(np.uint8)[..., None], self.frames, axis=-1)

    def resumed(self, signals: QuantizedSignals, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the frames and nothing: each value is encoded alone."""
        return self(signals), None
