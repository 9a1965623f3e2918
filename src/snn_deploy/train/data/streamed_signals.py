"""streamed_signals: values that come one after another, as the frames that their network was trained with."""

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.encoded_signals import Encoder
from snn_deploy.train.data.signals import SignalRange, Signals, quantized


class StreamedSignals:
    """An encoder in the middle of a stream.

    clipped: how many values so far lay outside of the training range. steps: how many frames it has made.
    """

    def __init__(self, encoder: Encoder, span: SignalRange, name: str) -> None:
        if not hasattr(encoder, "resumed"):
            raise UserError(
                f"encoder {name!r} does not say what it remembers of earlier values: it has no method `resumed` "
                "(train/data/encoded_signals.py). Add one."
            )
        self._encoder, self._span = encoder, span
        self._state: np.ndarray | None = None
        self.clipped = self.steps = 0

    @property
    def channels(self) -> int:
        """How many values come at the same time."""
        return len(self._span.mean)

    @property
    def frames(self) -> int:
        """How many frames a value becomes."""
        return self._encoder.frames

    def start(self) -> None:
        """Forget the values so far."""
        self._state = None

    def __call__(self, values: np.ndarray, where: str) -> np.ndarray:
        """Return uint8 (frames, kinds, channels, 1) of `values`, (time, channels); `where` starts a UserError."""
        if not np.isfinite(values).all():
            raise UserError(f"{where}: a value that is missing or infinite. Fill it in, so that you know with what.")
        time = len(values)
        signals = Signals(values.T[None].astype(np.float64), np.array([time]), np.zeros(1, np.int64), 1, self._span)
        integers = quantized(signals)
        self.clipped += integers.clipped
        frames, self._state = self._encoder.resumed(integers, self._state)
        _, kinds, channels, _, each = frames.shape
        self.steps += time * each
        return np.moveaxis(frames[0], (2, 3), (0, 1)).reshape(time * each, kinds, channels, 1)
