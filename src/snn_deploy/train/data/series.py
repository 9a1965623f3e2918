"""series: a signal that is to be continued, as a data set gives it that has a method `series`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Series:
    """values: float64 (time,). trained: how many of the first a network was trained on. window: how many of the last
    ones it sees at once, a channel each, the oldest first. published: by whom and of what -> the sMAPE of a forecast
    that was published for such a series.
    """

    values: np.ndarray
    trained: int
    window: int
    published: Mapping[str, float] = field(default_factory=dict)
