"""Processes that end badly, killed at a chosen moment, and what is left of them."""

import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from snn_deploy.support.one_writer import one_writer


def killed_after(work: Callable[[], object], seconds: float) -> bool:
    """Run `work` in a fork of this process and SIGKILL it after `seconds`; return whether that was before its end."""
    child = _fork(work)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def hold_and_sleep(folder: Path) -> None:
    """Be the writer of `folder` for ten minutes; the file `begun` says since when."""
    with one_writer(folder):
        (folder / "begun").touch()
        time.sleep(600)


def killed_before_file(work: Callable[[], object], number: int) -> bool:
    """Run `work` in a fork that kills itself when its file `number` is written but not yet in place; as above."""

    def counted() -> None:
        replace, written = Path.replace, 0

        def replace_or_die(self: Path, target: Path) -> Path:
            nonlocal written
            written += 1
            if written == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return replace(self, target)

        Path.replace = replace_or_die  # type: ignore[method-assign] - only in the fork
        work()

    return os.WIFSIGNALED(os.waitpid(_fork(counted), 0)[1])


def marked_processes(mark: str) -> list[int]:
    """Return the living processes that were started with `mark` in their environment, whose children have it too."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a fork of a test must never go on as the test
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child
