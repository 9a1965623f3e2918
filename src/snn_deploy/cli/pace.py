"""pace: how fast something goes, and how long it still takes, once its first part is done."""

import time
from collections import deque
from collections.abc import Callable

_RECENT = 30.0  # seconds: several backends, one after the other, differ much
_APART = 0.1  # seconds; reports that come faster are one


class Pace:
    """The rate of what is reported with `reached`.

    It counts from the first report on. What comes before compiles kernels, starts processes and fills caches: as a
    speed it would be wrong by hundreds. recent: the seconds that the rate is taken over.
    """

    def __init__(self, recent: float = _RECENT, clock: Callable[[], float] = time.monotonic) -> None:
        self._recent, self._clock = recent, clock
        self._reports: deque[tuple[float, float]] = deque()  # (time, how much was done)

    def reached(self, done: float) -> None:
        """Take note that so much is done by now."""
        now = self._clock()
        if len(self._reports) > 1 and now - self._reports[-2][0] < _APART:
            self._reports.pop()
        self._reports.append((now, done))
        while len(self._reports) > 2 and now - self._reports[1][0] > self._recent:
            self._reports.popleft()

    @property
    def rate(self) -> float | None:
        """How much is done in a second; None before the second report."""
        if len(self._reports) < 2:
            return None
        (since, before), (last, done) = self._reports[0], self._reports[-1]
        return (done - before) / (last - since) if last > since and done > before else None

    def seconds_left(self, total: float) -> float | None:
        """Return how long it takes from now until `total` is done; None before the second report.

        None too where that time has gone by without one: something else takes longer now.
        """
        rate = self.rate
        if rate is None:
            return None
        last, done = self._reports[-1]
        left = (total - done) / rate - (self._clock() - last)
        return left if left > 0 or done >= total else None
