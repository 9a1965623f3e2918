"""Samples: what every data set gives, in the integers that a chip will see."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Samples:
    """Labelled samples.

    inputs: uint8, (samples, channels, height, width) images, shown in every step.
    labels: int64, (samples,). classes: how many there are.
    largest_value: of the inputs; scale: what a network in floats multiplies them with.
    """

    inputs: np.ndarray
    labels: np.ndarray
    classes: int
    largest_value: int = 255
    scale: float = 1 / 255

    def first(self, count: int) -> "Samples":
        """Return the first `count` samples; 0 is all of them."""
        count = count or len(self.labels)
        return Samples(self.inputs[:count], self.labels[:count], self.classes, self.largest_value, self.scale)
