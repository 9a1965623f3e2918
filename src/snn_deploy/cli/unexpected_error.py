"""unexpected_error: the last line of defence: one line, and a file with the traceback for those who can mend it."""

import os
import platform
import sys
import tempfile
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from snn_deploy.support.printable import one_line

_LONGEST = 200  # letters of an error's own words


def sentence_about(error: BaseException) -> str:
    """Return what happened, where its traceback was written just now, and what to do with it.

    What the system does not let this user look at is no fault of the program, wherever it looked.
    """
    if isinstance(error, PermissionError) and error.filename is not None:
        path = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename)
        return one_line(f"{path}: cannot be read ({error.strerror}). Have its owner let you, or give another place.")
    said = str(error)
    what = f"{type(error).__name__}: {said[:_LONGEST]}{'...' if len(said) > _LONGEST else ''}"
    return one_line(f"snn-deploy met an error that it does not know ({what}). {_kept(error)}")


def _kept(error: BaseException) -> str:
    text = f"{_versions()}\n{sys.argv}\n\n{''.join(traceback.format_exception(error))}"
    try:
        handle, name = tempfile.mkstemp(prefix="snn-deploy-error-", suffix=".txt")
    except OSError as refused:
        return f"Its traceback cannot be kept ({refused.strerror or refused}). {_place(error)}"
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as refused:
        Path(name).unlink(missing_ok=True)
        return f"Its traceback cannot be kept ({refused.strerror or refused}). {_place(error)}"
    return f"Please report it where you got snn-deploy from, with {name}, which holds the traceback."


def _place(error: BaseException) -> str:
    """Return where the error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "an unknown place"
    return f"Please report it where you got snn-deploy from; it was raised in {where}."


def _versions() -> str:
    try:
        own = version("snn-deploy")
    except PackageNotFoundError:
        own = "unknown"
    return f"snn-deploy {own}, Python {platform.python_version()}, {platform.platform()}"
