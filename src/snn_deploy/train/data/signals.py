"""signals: what was measured over time, in real numbers; an encoder makes integers of it (encoded_signals.py)."""

from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.network.value_reading import ValueReading
from snn_deploy.support.user_error import UserError

LARGEST = 255  # of a quantized value: the 8 bits of an input


@dataclass(frozen=True)
class SignalRange:
    """The least, mean and largest value of each channel in the training samples, (channels,) each."""

    least: np.ndarray
    mean: np.ndarray
    most: np.ndarray


@dataclass(frozen=True)
class Signals:
    """Labelled signals.

    values: float64, (samples, channels, time), 0 from the end of a sample on. lengths: (samples,), how many values a
    channel of each has. labels: int64, (samples,). classes: how many there are. span: of the training samples,
    whichever samples these are. columns: of the map that a sample is shown as, 0 where time is shown in steps.
    Where `reading` says how values are read from a network, one for each value of the signal, labels are these values,
    float64 (samples, time, values), NaN where none is asked for, and classes is how many there are at a time.
    """

    values: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    classes: int
    span: SignalRange
    columns: int = 0
    reading: ValueReading | None = None

    @property
    def is_there(self) -> np.ndarray:
        """Whether a sample still lasts, (samples, time)."""
        return np.arange(self.values.shape[2]) < self.lengths[:, None]

    def chosen(self, indices: np.ndarray) -> "Signals":
        """Return the samples at `indices`, in that order."""
        return replace(self, values=self.values[indices], lengths=self.lengths[indices], labels=self.labels[indices])

    def first(self, count: int) -> "Signals":
        """Return the first `count` samples; 0 is all of them."""
        return self.chosen(np.arange(count)) if 0 < count < len(self.labels) else self


@dataclass(frozen=True)
class QuantizedSignals:
    """Signals as integers.

    values: uint8, (samples, channels, time): 0 is the least and 255 the largest value of a channel in the training
    samples. middles: uint8, (channels,): their means. clipped: how many values lay outside of that range.
    """

    values: np.ndarray
    middles: np.ndarray
    clipped: int


def quantized(signals: Signals) -> QuantizedSignals:
    """Return `signals` in 8 bits: the nearest of 256 levels from a channel's least to its largest training value."""
    least, most = signals.span.least[:, None], signals.span.most[:, None]
    outside = ((signals.values < least) | (signals.values > most)) & signals.is_there[:, None]
    middles = _levels(signals.span.mean[:, None], least, most)[:, 0]
    return QuantizedSignals(_levels(signals.values, least, most), middles, int(outside.sum()))


def range_of(values: np.ndarray, lengths: np.ndarray) -> SignalRange:
    """Return the range of training samples, `values` and `lengths` as in Signals."""
    is_there = np.broadcast_to((np.arange(values.shape[2]) < lengths[:, None])[:, None], values.shape)
    return SignalRange(
        values.min((0, 2), where=is_there, initial=np.inf),
        values.mean((0, 2), where=is_there),
        values.max((0, 2), where=is_there, initial=-np.inf),
    )


def padded(series: list[np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (values, lengths) as in Signals of samples (channels, time); `where` starts a UserError about them."""
    if not series:
        raise UserError(f"{where}: no samples.")
    channels = {len(sample) for sample in series}
    if len(channels) > 1:
        raise UserError(
            f"{where}: samples of {min(channels)} and of {max(channels)} channels. Give all the same number."
        )
    for i, sample in enumerate(series):
        if 0 in sample.shape:
            raise UserError(f"{where}: sample {i} is of shape {sample.shape}. Remove it.")
        if not np.isfinite(sample).all():
            raise UserError(
                f"{where}: sample {i} has a value that is missing or infinite. Fill it in, so that you know with what."
            )
    lengths = np.array([sample.shape[1] for sample in series])
    values = np.zeros((len(series), channels.pop(), lengths.max()))
    for i, sample in enumerate(series):
        values[i, :, : lengths[i]] = sample
    return values, lengths


def _levels(values: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    span = np.where(most > least, most - least, 1.0)  # a channel that never changes says nothing, at any level
    return np.clip(np.floor((values - least) / span * LARGEST + 0.5), 0, LARGEST).astype(np.uint8)
