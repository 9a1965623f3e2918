"""stop_signals: SIGTERM, and a terminal that is closed, stop a command as Ctrl-C does: it keeps what it has found."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_came = False
_is_lost = False
_DEAF = 5.0  # seconds; whoever stops a group or closes a terminal sends several signals, and means one


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM and SIGHUP, too; what nohup ignores stays ignored.

    `stop_came` says later whether one came: what imports a library in C may turn the interrupt into an ImportError.
    """
    global _came, _is_lost  # noqa: PLW0603 - signals are the process's
    _came = _is_lost = False
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread choose
        return
    last = -math.inf
    terminals = [handle for handle in (1, 2) if os.isatty(handle)]  # cannot be asked once it is closed

    def stop(number: int, frame: FrameType | None) -> None:
        global _came, _is_lost  # noqa: PLW0603
        nonlocal last
        _came = True
        if number == signal.SIGHUP:
            _write_to_nobody(terminals)
        now = time.monotonic()
        if now - last > _DEAF or number == signal.SIGINT:
            last = now
            _is_lost = True  # until somebody sees the interrupt
            raise KeyboardInterrupt

    all_signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = [n for n in all_signals if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_came() -> bool:
    """Return whether a signal to stop came since `stop_signals` was entered."""
    return _came


@contextmanager
def lost_stops() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt again where that of a signal was lost.

    Python drops what is raised in a finalizer, and compilers what is raised in their callbacks.
    """

    def raise_lost() -> None:
        if _is_lost:
            raise KeyboardInterrupt

    try:
        yield raise_lost
    except KeyboardInterrupt:
        global _is_lost  # noqa: PLW0603
        _is_lost = False
        raise


def _write_to_nobody(handles: list[int]) -> None:
    """Have what is written to a terminal that is gone vanish; it would be an error in the middle of the cleaning."""
    null = os.open(os.devnull, os.O_WRONLY)
    for handle in handles:
        os.dup2(null, handle)
    os.close(null)
