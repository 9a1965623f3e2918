"""event_steps: events that come one after another, as frames of steps of equal duration."""

from collections.abc import Iterator

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.events import Events, FrameValues

_MOST_EMPTY = 1_000_000  # steps without an event; more is a time in another unit, or a damaged one


class EventSteps:
    """Frames of the events so far. The first event's time is the beginning of the first step.

    duration: of a step, in the unit of the events' times. sensor, size, values: as of Events.frames.
    """

    def __init__(self, duration: float, sensor: tuple[int, int], size: tuple[int, int], values: FrameValues) -> None:
        self._duration, self._sensor, self._size, self._values = duration, sensor, size, values
        self._begin: float | None = None
        self._latest = -np.inf
        self._step = 0
        self._frame = np.zeros((1, 2, *size), np.uint8)  # of the step that is not over yet

    def __call__(self, events: Events, where: str) -> Iterator[np.ndarray]:
        """Yield the frames, (1, 2, *size), of the steps that are over; a UserError that starts with `where`."""
        times = np.asarray(events.t, np.float64)
        if not len(times):
            return
        if times[0] < self._latest:
            raise UserError(
                f"{where}: an event at {times[0]:g} after one at {self._latest:g}. Sort them by their times."
            )
        self._latest = float(times[-1])
        self._begin = float(times[0]) if self._begin is None else self._begin
        steps = np.floor((times - self._begin) / self._duration)
        empty = np.diff(steps, prepend=self._step)
        if not empty.max() <= _MOST_EMPTY:
            raise UserError(
                f"{where}: an event {empty.max():.3g} steps after the one before it. Give the duration of a step in "
                "the unit of the events' times."
            )
        whole = steps.astype(np.int64)
        for step in np.unique(whole).tolist():
            while self._step < step:
                yield self._frame
                self._frame = np.zeros_like(self._frame)
                self._step += 1
            now = whole == step
            part = Events(events.x[now], events.y[now], events.t[now], events.polarity[now])
            there = np.zeros(int(now.sum()), np.int64)
            more = part.counted(there, 1, self._sensor, self._size, self._values, where)
            most = 1 if self._values == "binary" else 255
            self._frame = np.minimum(self._frame.astype(np.int64) + more, most).astype(np.uint8)

    def last(self) -> Iterator[np.ndarray]:
        """Yield the frame of the step in which the stream ended."""
        if self._begin is not None:
            yield self._frame
