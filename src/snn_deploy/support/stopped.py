"""stopped: an interrupt that says what is kept of the work, and how to go on with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """An interrupt of work that is not lost. Its text says what is kept and how to go on."""


@contextmanager
def kept_when_stopped(what: Callable[[], str | None]) -> Iterator[None]:
    """Make an interrupt within a Stopped with the text that `what` returns then; None where nothing is kept."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        text = what()
        if text is None:
            raise
        raise Stopped(text) from interrupt
