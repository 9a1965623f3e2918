"""Samples: what every data set gives, in the integers that a chip will see."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from snn_deploy.network.value_reading import ValueReading

Split = Literal["train", "validation", "test"]  # the second where a data set has one of its own


@dataclass(frozen=True)
class Samples:
    """Labelled samples.

    inputs: uint8, (samples, channels, height, width) images, shown in every step. Data sets of image files give an
    object that has shape, dtype and len of such an array, and reads the files when it is indexed.
    is_sequence: whether inputs are (samples, steps, channels, height, width) instead, a frame for each step.
    labels: int64, (samples,). classes: how many there are. Where `reading` says how values are read from the network,
    labels are these values, float64 (samples, steps, values) in the signal's unit, NaN where none is asked for, and
    classes is how many there are in a step; `reading` is of potentials as training in floats has them.
    largest_value: of the inputs; scale: what a network in floats multiplies them with. note: for the user, of what was
    lost when they were made, or empty.
    """

    inputs: np.ndarray
    labels: np.ndarray
    classes: int
    largest_value: int = 255
    scale: float = 1 / 255
    is_sequence: bool = False
    note: str = ""
    reading: ValueReading | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image or frame."""
        return tuple(self.inputs.shape[2 if self.is_sequence else 1 :])

    @property
    def steps(self) -> int | None:
        """How many frames a sample has; None for images."""
        return self.inputs.shape[1] if self.is_sequence else None

    @property
    def shown(self) -> np.ndarray:
        """The inputs as an exported network takes them: images, or (steps, samples, *shape)."""
        return np.swapaxes(self.inputs, 0, 1) if self.is_sequence else self.inputs

    def chosen(self, indices: np.ndarray) -> "Samples":
        """Return the samples at `indices`, in that order. Image files stay unread."""
        unread = getattr(self.inputs, "ordered", None)
        return replace(self, inputs=unread(indices) if unread else self.inputs[indices], labels=self.labels[indices])

    def first(self, count: int) -> "Samples":
        """Return the first `count` samples; 0 is all of them. Image files stay unread."""
        if count == 0 or count >= len(self.labels):
            return self
        unread = getattr(self.inputs, "first", None)
        return replace(self, inputs=unread(count) if unread else self.inputs[:count], labels=self.labels[:count])
