"""one_writer: a folder that one process at a time writes to; the second is told who is at it.

The lock is the kernel's (flock) on FOLDER/.writer, so that a process that was killed holds none. The file says who
holds it, and is gone at the end. This is not filelock, whose versions differ in what matters here: 3.12 to 3.20 empty
the file and take locks on a file that was removed, 3.24 and later remove it themselves, 4.3 leaves it there.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from snn_deploy.support.atomic_file import writing
from snn_deploy.support.user_error import UserError

_NAME = ".writer"
_PATIENCE = 1.0  # seconds: a process that was killed a moment ago may still be ending
_LOOK_EVERY = 0.05


class FolderInUseError(UserError):
    """Another process writes to the folder."""


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Keep others from writing to `folder`; FolderInUseError where one does already.

    The folder is made when it is missing, and removed again when nothing was written to it. On a file system without
    locks nobody is kept out.
    """
    folder = Path(folder)
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    with writing(folder):
        handle = _taken(folder)
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / _NAME).unlink(missing_ok=True)  # while it is held: nobody else's
        os.close(handle)
        with suppress(OSError):  # not empty
            for path in missing:
                path.rmdir()


def require_no_writer(folder: Path) -> None:
    """Raise FolderInUseError where another process writes to `folder`."""
    if (folder / _NAME).exists():
        with one_writer(folder):
            pass


def _taken(folder: Path) -> int:
    """Return the open, locked file in `folder`, which is made."""
    path = folder / _NAME
    deadline = time.monotonic() + _PATIENCE
    while True:
        folder.mkdir(parents=True, exist_ok=True)  # its last holder may have removed it
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(os.read(handle, 1000))
            os.close(handle)
            if time.monotonic() > deadline:
                raise FolderInUseError(
                    f"{folder}: {holder} writes there. Wait for its end, stop it, or choose another folder with --out."
                ) from None
            time.sleep(_LOOK_EVERY)
            continue
        except OSError:
            return handle  # no locks here
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)  # its holder removed it in the meantime
    me = {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
    with suppress(OSError):  # on a full disk the lock holds without a name
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(me).encode(), 0)
    return handle


def _holder(text: bytes) -> str:
    try:
        found = json.loads(text)
        pid, host, since = int(found["pid"]), str(found["host"]), str(found["since"])
    except (ValueError, KeyError, TypeError):
        return "another process"
    place = "" if host == socket.gethostname() else f" on {host}"
    return f"process {pid}{place} (since {since})"
