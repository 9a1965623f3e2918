"""encoded_signals: signals become frames of integers, one or several for each value, or one map.

Whatever follows the end of a sample is 0: no current enters and no spike, on every backend and chip alike.
"""

from dataclasses import replace
from typing import Protocol

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.signals import QuantizedSignals, Signals, quantized


class Encoder(Protocol):
    """What a plug-in's dataclass `Encoder` can do, in integers alone."""

    @property
    def largest_value(self) -> int:
        """The largest value of a frame, at most 255."""

    @property
    def frames(self) -> int:
        """How many frames a value becomes."""

    def __call__(self, signals: QuantizedSignals) -> np.ndarray:
        """Return uint8 (samples, kinds, channels, time, frames): kinds of inputs that each channel has."""

    def resumed(self, signals: QuantizedSignals, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the frames of values that follow others, and what the encoder remembers of them all.

        state: what it remembered of the others; None where these values are the first. Called for a stream
        (streamed_signals.py): the frames are those of one call over all values.
        """


def encoded(signals: Signals, encoder: Encoder, steps: int) -> Samples:
    """Return `signals` as a network of `steps` steps is shown them.

    Frames are (kinds, channels, 1): convolutions of nx1 look along the channels. With `signals.columns`, a sample is
    one map, or `encoder.frames` of them, (kinds * channels, 1, columns): convolutions of 1xn look along the time.
    """
    if signals.columns and encoder.frames not in (1, steps):
        raise UserError(
            f"steps = {steps}, and the encoder makes {encoder.frames} maps of a sample, one for each step. Set "
            f"encoder.frames to 1 or {steps}."
        )
    most = signals.columns or steps // encoder.frames
    longest = int(signals.lengths.max())
    if longest > most:
        needed = f"data.columns to {longest} or more" if signals.columns else f"steps to {longest * encoder.frames}"
        raise UserError(
            f"data: a sample of {longest} values, and there is room for {most}: {encoder.frames} steps for each. Set "
            f"{needed}."
        )
    integers = quantized(signals)
    values = (encoder(integers) * signals.is_there[:, None, None, :, None])[:, :, :, :longest]
    samples, kinds, channels = values.shape[:3]
    room = np.zeros((samples, kinds, channels, most, encoder.frames), np.uint8)
    room[:, :, :, :longest] = values
    if signals.columns:
        maps = room.reshape(samples, kinds * channels, 1, most, encoder.frames)
        shown = maps[..., 0] if encoder.frames == 1 else np.moveaxis(maps, -1, 1)
    else:
        in_order = np.moveaxis(room, (3, 4), (1, 2)).reshape(samples, most * encoder.frames, kinds, channels, 1)
        shown = np.zeros((samples, steps, kinds, channels, 1), np.uint8)  # steps that are left over show nothing
        shown[:, : most * encoder.frames] = in_order
    note = (
        ""
        if not integers.clipped
        else (
            f"{integers.clipped} of {int(signals.lengths.sum()) * channels} values lie outside of the range of the "
            "training samples and were clipped to it"
        )
    )
    return Samples(
        np.ascontiguousarray(shown),
        signals.labels if signals.reading is None else _in_steps(signals.labels, steps, encoder.frames),
        signals.classes,
        encoder.largest_value,
        1 / encoder.largest_value,
        is_sequence=not signals.columns or encoder.frames > 1,
        note=note,
        reading=signals.reading and replace(signals.reading, every=encoder.frames),
    )


def _in_steps(wanted: np.ndarray, steps: int, frames: int) -> np.ndarray:
    """Return values (samples, time, values) as (samples, steps, values): each after the last step of its input."""
    found = np.full((len(wanted), steps, wanted.shape[2]), np.nan)
    found[:, frames - 1 : wanted.shape[1] * frames : frames] = wanted
    return found
