"""Data set `mackey_glass`: a chaotic series whose next value is to be predicted, the task of NeuroBench.

Yik et al., "The neurobench framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 2025, and neurobench/datasets/mackey_glass.py in version 2.3.0: tau 17, 75 points in a Lyapunov time, 10
Lyapunov times to train on and the next 10 to test; 30 instances, each half a Lyapunov time later in the series, are
averaged. Its series is a download from one integrator; this one is integrated here (_mackey_glass_equation.py). The
equation is chaotic, so the two agree for some Lyapunov times only and are alike in kind from there on.

NeuroBench tests without the true values: each prediction is the next input (sd.forecast). The samples of the test split
here are shown the true ones.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.network.value_reading import ValueReading
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Split
from snn_deploy.train.data.series import Series
from snn_deploy.train.data.signals import Signals, range_of
from snn_deploy.train.datasets._mackey_glass_equation import integrated

_POINTS = 75  # in a Lyapunov time
_PART = 10 * _POINTS  # of the series, for training, and as much for testing
_INSTANCES = 30
# Yik et al. 2025, the table of baselines for the chaotic function: means over the instances of NeuroBench's own series.
_PUBLISHED = {"NeuroBench's LSTM": 13.37, "NeuroBench's echo state network": 14.79}


@dataclass(frozen=True)
class Dataset:
    """window: how many values the network sees at once, the last one and those before it (bin_window in NeuroBench).
    points: values of a sample that follow each other. warm_up: the first of them, of which no prediction is asked while
    the network's states settle. apart: values from the start of a training sample to that of the next. instance: of
    NeuroBench's 30. noise: on what training samples are shown, not on their labels, as a share of the series' standard
    deviation: a network that is fed its own predictions sees such errors.
    """

    gives_signals = True
    gives_values = True

    window: Annotated[int, Ge(1), Le(200)] = 50
    points: Annotated[int, Ge(2), Le(600)] = 32
    warm_up: Annotated[int, Ge(0), Le(599)] = 8
    apart: Annotated[int, Ge(1), Le(600)] = 1
    instance: Annotated[int, Ge(0), Le(_INSTANCES - 1)] = 0
    noise: Annotated[float, Ge(0), Le(1)] = 0.0

    def load(self, split: Split) -> Signals:
        """Return samples of `window` channels and `points` values; each label is the value that follows."""
        if self.warm_up >= self.points or self.window + self.points > _PART:
            raise UserError(
                f"data.warm_up {self.warm_up}, data.points {self.points}, data.window {self.window}: a sample needs a "
                f"point behind its warm-up, and the training part has {_PART} values. Choose smaller ones."
            )
        series = self.series()
        scored = self.points - self.warm_up
        if split == "train":
            starts = np.arange(self.window - 1, series.trained - self.points + 1, self.apart)
        else:  # what is scored of one sample ends where that of the next begins
            starts = np.arange(series.trained - self.warm_up, len(series.values) - 1 - self.warm_up, scored)
        each = starts[:, None] + np.arange(self.points)  # of the last value of each window
        is_there = each < len(series.values) - 1
        labels = np.where(is_there, series.values[np.where(is_there, each + 1, 0)], np.nan)[..., None]
        labels[:, : self.warm_up] = np.nan
        first = starts[:, None] - self.window + 1
        piece = np.minimum(first + np.arange(self.window + self.points - 1), len(series.values) - 1)
        shown = series.values[piece]
        if split == "train" and self.noise:
            shown += np.random.default_rng(0).normal(0, self.noise * series.values.std(), shown.shape)
        windows = np.lib.stride_tricks.sliding_window_view(shown, self.window, axis=1)  # (samples, points, window)
        values = np.swapaxes(windows * is_there[..., None], 1, 2)
        training = series.values[: series.trained]
        reading = ValueReading(np.array([training.mean()]), np.array([training.std()]))
        span = range_of(np.broadcast_to(training, (1, self.window, series.trained)), np.array([series.trained]))
        return Signals(values, is_there.sum(1), labels, 1, span, reading=reading)

    def series(self) -> Series:
        """Return the whole series of this instance."""
        start = int(self.instance * _POINTS / 2)  # neurobench/examples/mackey_glass/esn_benchmark.py
        return Series(integrated(start + 2 * _PART + 1)[start:], _PART, self.window, _PUBLISHED)
