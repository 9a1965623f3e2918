"""require_file: a path that is read is a file that can be looked at."""

from pathlib import Path

from snn_deploy.support.user_error import UserError


def require_file(path: Path, what: str) -> None:
    """Raise UserError unless `path` is a file; `what` says which one to give, such as "a NIR file"."""
    try:
        is_file = path.is_file()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}). Give the path of {what}.") from error
    if not is_file:
        raise UserError(f"{path}: no such file. Give the path of {what}.")


def as_utf8(text: str) -> str:
    r"""Return `text`, a path, as text that UTF-8 can hold: bytes of a path that are none become \udcXX."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
