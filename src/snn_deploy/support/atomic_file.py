"""atomic_file: files appear whole or not at all, and what the system refuses is one sentence.

Whoever can makes the bytes first and calls `write_bytes`, so that a full disk interrupts no program in the middle of
a file: HDF5 does not survive that.
"""

import errno
import fcntl
import glob
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from snn_deploy.support.user_error import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_BETWEEN_MAKING_AND_LOCKING = 2.0  # seconds, at most


class WriteError(UserError):
    """The system does not let a file be written: the disk is full, a folder is read-only or belongs to others."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make an OSError inside a WriteError that names `path`."""
    try:
        yield
    except OSError as error:
        advice = "Make room there, or choose another place." if error.errno in _FULL else "Choose another place."
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}). {advice}") from error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it is moved to `path`, on failure removed.

    The folder is made when it is missing. What a process that was killed has left here is removed. An OSError inside
    is a WriteError.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        temporary = Path(name)
        try:
            _locked(handle)  # where there are no locks, nobody removes what is left
            yield temporary
            _settle(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            with suppress(OSError):  # the folder may be gone
                temporary.unlink(missing_ok=True)
            os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content`, whole or not at all."""
    write_files({path: content})


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all of them are there before the first one takes its place."""
    with ExitStack() as stack:
        for path, content in contents.items():
            stack.enter_context(atomic_path(path)).write_bytes(content)


def remove_file(path: Path) -> None:
    """Remove a file, which may be missing."""
    with writing(path):
        Path(path).unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove the temporary files of `path` that no living process has locked."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{glob.escape(path.suffix)}"):
        with suppress(OSError):  # somebody else removed it
            if time.time() - left.stat().st_mtime > _BETWEEN_MAKING_AND_LOCKING:
                handle = os.open(left, os.O_RDWR)
                if _locked(handle):
                    left.unlink()
                os.close(handle)


def _locked(handle: int) -> bool:
    """Return whether this process has locked an open file now, until it closes it or ends."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another process has, or the file system knows no locks
        return False
    return True


def _settle(path: Path) -> None:
    """Have the system write the file out: some disks say only then that they are full, or that they fail.

    After a power cut, the old file or the new one is then there.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
