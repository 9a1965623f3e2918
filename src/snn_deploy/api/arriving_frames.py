"""arriving_frames: numbers or events, as they come, become the frames that a network takes."""

import time
from collections.abc import Iterable, Iterator

import numpy as np

from snn_deploy.api.decision import Arrival
from snn_deploy.network.integer_network import IntegerInput
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.event_steps import EventSteps
from snn_deploy.train.data.events import Events
from snn_deploy.train.data.stream_file import as_block
from snn_deploy.train.data.streamed_signals import StreamedSignals

Blocks = Iterable[np.ndarray | Events]


class ArrivingFrames:
    """How the frames of one stream are made.

    shape: of what comes, a frame or the values of all channels. encoder: of signals, else None. hold: steps for each
    frame. window: the steps after which an encoder forgets, None where it never does. step_time, sensor: of events.
    """

    def __init__(
        self,
        network_input: IntegerInput,
        encoder: StreamedSignals | None,
        hold: int,
        window: int | None,
        step_time: float | None,
        sensor: tuple[int, int] | None,
    ) -> None:
        self._input, self._encoder, self._hold, self._window = network_input, encoder, hold, window
        self.shape = network_input.shape if encoder is None else (encoder.channels,)
        if encoder is not None and hold != 1:
            raise UserError("--hold is of frames; how long a value is shown is the encoder's choice. Leave it out.")
        if encoder is not None and window is not None and window % encoder.frames:
            raise UserError(
                f"a window of {window} steps from rest, and the encoder makes {encoder.frames} of each value. Give "
                f"--window a multiple of {encoder.frames}."
            )
        self._events = None if step_time is None else self._event_steps(step_time, sensor)
        if sensor is not None and step_time is None:
            raise UserError("--sensor is of events, which need --step-time as well. Give both, or neither.")

    def of(self, blocks: Blocks, where: str) -> Iterator[Arrival]:
        """Yield the frames of `blocks`; one that the network does not take is a UserError that starts with `where`."""
        count = 0
        for block in blocks:
            arrived = time.perf_counter()
            here = f"{where}, from frame {count}"
            if isinstance(block, Events):
                if self._events is None:
                    raise UserError(f"{where}: events, and nothing says how long a step is. Give --step-time.")
                for frame in self._events(block, where):
                    yield arrived, self._held(frame), 0
                    count += 1
            else:
                if self._events is not None:
                    raise UserError(f"{where}: frames, and --step-time is of events. Leave it out.")
                values = as_block(np.asarray(block), self.shape, here)
                for frames, clipped in self._frames(values, here):
                    yield arrived, frames, clipped
                count += len(values)
        if self._events is not None:
            arrived = time.perf_counter()
            for frame in self._events.last():
                yield arrived, self._held(frame), 0

    def _frames(self, values: np.ndarray, where: str) -> Iterator[tuple[np.ndarray, int]]:
        if self._encoder is None:
            yield self._held(self._checked(values, where)), 0
            return
        for part in [values] if self._window is None else values[:, None]:
            before = self._encoder.clipped
            if self._window is not None and self._encoder.steps % self._window == 0:
                self._encoder.start()
            yield self._encoder(part, where), self._encoder.clipped - before

    def _held(self, frames: np.ndarray) -> np.ndarray:
        return np.repeat(frames, self._hold, axis=0)

    def _checked(self, frames: np.ndarray, where: str) -> np.ndarray:
        most = self._input.largest_value
        if frames.dtype.kind not in "biu":
            raise UserError(f"{where}: values of type {frames.dtype}; the network takes whole numbers 0..{most}.")
        wrong = (frames < 0) | (frames > most)
        if wrong.any():
            raise UserError(f"{where}: a value {frames[wrong][0]}; the network's input takes 0..{most}.")
        return frames.astype(np.uint8)

    def _event_steps(self, step_time: float, sensor: tuple[int, int] | None) -> EventSteps:
        shape, most = self._input.shape, self._input.largest_value
        if self._encoder is not None or len(shape) != 3 or shape[0] != 2:
            raise UserError(f"--step-time is of events, frames of (2, height, width); the network takes {shape}.")
        if not (np.isfinite(step_time) and step_time > 0):
            raise UserError(f"--step-time {step_time}; allowed is a number above 0.")
        if sensor is not None and min(sensor) < 1:
            raise UserError(f"--sensor {sensor}; allowed are whole numbers from 1.")
        size = (shape[1], shape[2])
        return EventSteps(step_time, sensor or size, size, "binary" if most == 1 else "counts")
