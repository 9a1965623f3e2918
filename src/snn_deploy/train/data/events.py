"""events: what an event camera sends, and frames made of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from snn_deploy.support.user_error import UserError

FrameValues = Literal["binary", "counts"]
_KINDS = {"x": "iuf", "y": "iuf", "t": "iuf", "polarity": "iubf"}  # of numpy's types; True is a polarity and no time


@dataclass(frozen=True)
class Events:
    """Changes of brightness in the order of their times, (events,) each.

    x, y: the pixel, 0 at the left and at the top. t: in any unit. polarity: 1 for brighter, 0 for darker.
    """

    x: np.ndarray
    y: np.ndarray
    t: np.ndarray
    polarity: np.ndarray

    def frames(
        self, steps: int, sensor: tuple[int, int], size: tuple[int, int], values: FrameValues, where: str
    ) -> np.ndarray:
        """Return (steps, 2, *size) uint8, darker first: the events of each of `steps` equal parts of the duration.

        sensor, size: (height, width) of the sensor and of the frames. binary: 1 where there was any event; counts: how
        many, at most 255. `where` starts a UserError about an event outside of the sensor.
        """
        if not len(self.t):
            raise UserError(f"{where}: no events. Remove the recording.")
        times = _since_the_first(self.t)
        if not np.isfinite(times[-1]):
            raise UserError(f"{where}: times from {self.t[0]} to {self.t[-1]}, which are too far apart.")
        step = np.clip(times / max(times[-1], 1e-12) * steps, 0, steps - 1).astype(np.int64)
        return self.counted(step, steps, sensor, size, values, where)

    def counted(
        self,
        step: np.ndarray,
        steps: int,
        sensor: tuple[int, int],
        size: tuple[int, int],
        values: FrameValues,
        where: str,
    ) -> np.ndarray:
        """Return what `frames` does, of events of which each belongs to a step of its own, (events,) from 0."""
        height, width = sensor
        for name, found, most in (("x", self.x, width), ("y", self.y, height), ("polarity", self.polarity, 2)):
            if found.size and (found.min() < 0 or found.max() >= most):
                raise UserError(f"{where}: {name} from {found.min()} to {found.max()}; allowed is 0 to {most - 1}.")
        row, column = self.y.astype(np.int64) * size[0] // height, self.x.astype(np.int64) * size[1] // width
        shape = (steps, 2, *size)
        place = np.ravel_multi_index((step, self.polarity.astype(np.int64), row, column), shape)
        counts = np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)
        return np.minimum(counts, 1 if values == "binary" else 255).astype(np.uint8)


def _since_the_first(t: np.ndarray) -> np.ndarray:
    """Return the times after the first one as float64; whole numbers are subtracted as such, of any size."""
    if t.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return t.astype(np.float64) - np.float64(t[0])
    return (t.astype(np.uint64) - t[:1].astype(np.uint64)).astype(np.float64)  # modulo 2^64, and the first is least


def checked_events(x: np.ndarray, y: np.ndarray, t: np.ndarray, polarity: np.ndarray, where: str) -> Events:
    """Return the events, polarities -1 and 1 as 0 and 1; a UserError unless they are of one length and in order."""
    arrays = {"x": x, "y": y, "t": t, "polarity": polarity}
    lengths = {name: np.shape(values) for name, values in arrays.items()}
    if len(set(lengths.values())) != 1 or np.ndim(t) != 1:
        raise UserError(f"{where}: arrays of shapes {lengths}; allowed is (events,) for all.")
    for name, values in arrays.items():
        if values.dtype.kind not in _KINDS[name] or (values.dtype.kind == "f" and not np.isfinite(values).all()):
            raise UserError(f"{where}: {name} of type {values.dtype}; allowed are finite numbers.")
    if len(t) > 1 and (np.diff(t.astype(np.float64)) < 0).any():
        first = int(np.argmax(np.diff(t.astype(np.float64)) < 0)) + 1
        raise UserError(f"{where}: event {first} is earlier than the one before it. Sort the events by their times.")
    signs = np.asarray(polarity).astype(np.int64)
    return Events(x, y, t, np.where(signs == -1, 0, signs))
