"""Samples: what every data set gives, in the integers that a chip will see."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Samples:
    """Labelled samples.

    inputs: uint8, (samples, channels, height, width) images, shown in every step. Data sets of image files give an
    object that has shape, dtype and len of such an array, and reads the files when it is indexed.
    labels: int64, (samples,). classes: how many there are.
    largest_value: of the inputs; scale: what a network in floats multiplies them with.
    """

    inputs: np.ndarray
    labels: np.ndarray
    classes: int
    largest_value: int = 255
    scale: float = 1 / 255

    def first(self, count: int) -> "Samples":
        """Return the first `count` samples; 0 is all of them. Image files stay unread."""
        if count == 0 or count >= len(self.labels):
            return self
        unread = getattr(self.inputs, "first", None)
        return replace(self, inputs=unread(count) if unread else self.inputs[:count], labels=self.labels[:count])
