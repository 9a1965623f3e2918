"""live_line: the one line of a terminal that moves while a command works: what, how far, how fast, how long still."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snn_deploy.cli.pace import Pace
from snn_deploy.support.printable import one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_SILENCE = 2.0  # seconds without a line, after which a command says that it works
_LEAST_TITLE, _LEAST_BAR, _MOST_BAR = 12, 8, 30  # columns


@dataclass(frozen=True)
class LineParts:
    """What the line says. share: of the work, 0 to 1, None without a bar; the texts may be empty.

    title: what goes on. count: how far it is. left, rate: how long it still takes, and how fast it goes. more: what is
    good to know where there is room.
    """

    title: str
    share: float | None = None
    count: str = ""
    left: str = ""
    rate: str = ""
    more: str = ""


@dataclass(frozen=True)
class FittedLine:
    """The texts before and behind a bar of `bar` columns; together as wide as the terminal at most."""

    before: str
    bar: int
    behind: str


def fitted(parts: LineParts, width: int) -> FittedLine:
    """Return `parts` in `width` columns.

    Where there is little room, first `more` is cut, then the bar, the rate and the time left go, and last the title is
    cut: a line that the terminal breaks cannot be taken back.
    """
    title, bar = one_line(parts.title), _LEAST_BAR if parts.share is not None else 0
    behind = [_cut(one_line(text), width) for text in (parts.count, parts.rate, parts.left) if text]
    goes = [text for text in (parts.left, parts.rate) if text]
    while (bar or goes) and _width(_cut(title, _LEAST_TITLE), bar, behind) > width:
        if bar:
            bar = 0
        else:
            behind.remove(_cut(one_line(goes.pop()), width))
    title = _cut(title, max(0, width + 1 - _width("t", bar, behind)))
    spare = width - _width(title, bar, behind)
    if parts.more and spare > 2 + _LEAST_TITLE:
        behind.append(_cut(one_line(parts.more), spare - 2))
    elif bar:
        bar += min(spare, _MOST_BAR - _LEAST_BAR)
    return FittedLine(title, bar, "  ".join(behind))


def _width(title: str, bar: int, behind: list[str]) -> int:
    """Return how many columns they take, two apart."""
    widths = [width for width in (len(title), bar, *map(len, behind)) if width]
    return sum(widths) + 2 * max(0, len(widths) - 1)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"[:width]


def clock(seconds: float) -> str:
    """Return 83.4 as '0:01:23'."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def time_left(seconds: float | None, begun: float) -> str:
    """Return 83.4 as '0:01:23 left'; where it is not known, how long it has taken since `begun` (time.monotonic)."""
    return f"{clock(time.monotonic() - begun)} so far" if seconds is None else f"{clock(max(0.0, seconds))} left"


def speed(rate: float | None, of: str = "") -> str:
    """Return 12.34 as '12.3/s', or '12.3 batches/s'; slow things as '8.1 s each'; nothing where it is not known."""
    if rate is None:
        return ""
    if rate < 1:
        return f"{1 / rate:.1f} s {f'a {of}' if of else 'each'}"
    number = f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
    return f"{number} {of}{'es' if of.endswith('ch') else 's'}/s" if of else f"{number}/s"


class Steps:
    """Work of `total` equal parts, as the line shows it."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._pace, self._begun = Pace(), time.monotonic()

    def advance(self, count: int) -> None:
        """Take note that so many more are done."""
        self._done += count
        self._pace.reached(self._done)

    def parts(self) -> LineParts:
        """Return what the line says now; before there is a rate, how long it has taken."""
        left = self._pace.seconds_left(self._total)
        return LineParts(
            self._title,
            self._done / self._total if self._total else 1.0,
            f"{self._done:,}/{self._total:,}",
            time_left(left, self._begun),
            speed(self._pace.rate),
        )


class LiveLine:
    """The line, on standard error where that is a terminal; elsewhere nothing is written."""

    def __init__(self, is_wanted: bool = True) -> None:
        dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
        # Standard error is None where it was closed.
        self._is_shown = is_wanted and sys.stderr is not None and sys.stderr.isatty() and not dumb
        self._shown: list[Callable[[], LineParts | None]] = []
        self._live: Live | None = None
        self._since = time.monotonic()  # of what the user saw last

    @contextmanager
    def shows(self, parts: Callable[[], LineParts | None]) -> Iterator[None]:
        """Show what `parts` returns, several times a second, instead of what was shown before; None leaves that."""
        if not self._is_shown:
            yield
            return
        self._shown.append(parts)
        live = self._live is None
        try:
            if live:
                self._start()
            yield
        finally:
            if live:
                self._stop()
            self._shown.remove(parts)
            self._since = time.monotonic()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Say that the command works, and for how long, wherever nothing else is shown and it says nothing."""
        with self.shows(self._silence):
            yield

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the line back while another one is written."""
        was_shown = self._live is not None
        if was_shown:
            self._stop()
        try:
            yield
        finally:
            if was_shown:
                self._start()

    def _silence(self) -> LineParts | None:
        silent = time.monotonic() - self._since
        return LineParts("working", left=time_left(None, self._since)) if silent >= _SILENCE else None

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
        from rich.live import Live  # noqa: PLC0415

        self._since = time.monotonic()
        # Redirected, what is written to standard output would come out of standard error.
        console = Console(stderr=True, force_terminal=True)
        self._live = Live(
            console=console,
            get_renderable=lambda: self._rendered(console),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _rendered(self, console: "Console") -> "RenderableType":
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        parts = next((found for shown in reversed(self._shown) if (found := shown()) is not None), None)
        if parts is None:
            return Text("")
        line = fitted(parts, console.width - 1)
        drawn = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        cells: list[RenderableType] = [Text(line.before, no_wrap=True)]
        if line.bar:
            cells.append(ProgressBar(total=1.0, completed=parts.share or 0.0, width=line.bar))
        drawn.add_row(*cells, Text(line.behind, no_wrap=True))
        return drawn
