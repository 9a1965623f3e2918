"""foreign_parser: a library in Rust that panics over a damaged file is one more way to say that it cannot be read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def foreign_parser() -> Iterator[None]:
    """Make a panic inside a ValueError; what the library writes to standard error meanwhile is dropped.

    A panic comes to Python as an exception that is none of Exception, after it has written lines of its own.
    """
    with _without_standard_error():
        try:
            yield
        except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as panic:
            raise ValueError(str(panic)) from panic


@contextmanager
def _without_standard_error() -> Iterator[None]:
    """Let nothing reach the process's standard error, which a library writes to without asking Python."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        before = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    try:
        with suppress(OSError), open(os.devnull, "wb") as nothing:  # noqa: PTH123 - a name, not a path of ours
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
