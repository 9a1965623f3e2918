"""watch: how a long call tells its caller how far it is. The command line draws bars; a notebook may stay silent."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]  # called with how many more of the total are done


class Watch(Protocol):
    """Hears of what goes on in a call of the Python API."""

    def say(self, line: str = "") -> None:
        """Take one line for a person, such as how long it will take."""

    def progress(self, title: str, total: int) -> AbstractContextManager[Advance]:
        """Return a context in which a function is called with how many more of `total` are done."""


class Silent:
    """A Watch that shows nothing."""

    def say(self, line: str = "") -> None:
        """Show nothing."""

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Advance]:
        """Yield a function that does nothing."""
        yield lambda count: None


SILENT = Silent()
