"""The janitor: a small process that removes what a job leaves behind, even when its parent is killed.

Started by child_process as a plain script of the standard library alone. It owns one end of a pipe whose other
end the parent holds; when that end closes, for whatever reason, the job is over: its process group is killed,
its shared memory and its folder are removed. The parent writes the group's number into the pipe, and ends the
line once it has killed the group itself.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")  # where Linux shows POSIX shared memory; elsewhere it cannot be listed
_PROCESSES = Path("/proc")
_LONGEST_DEATH = 10.0  # seconds; a killed process that does not die sits in the kernel, and waiting helps no more


def clean_up(group: int | None, prefix: str, folder: str) -> None:
    """Kill the process group, wait until it is gone, then remove its shared memory and the folder."""
    if group is not None:
        kill_group(group)
    remove_shared_memory(prefix)
    shutil.rmtree(folder, ignore_errors=True)


def kill_group(group: int) -> None:
    """Kill every process of the group and return when none of them runs any more."""
    deadline = time.monotonic() + _LONGEST_DEATH
    while group_lives(group) and time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        time.sleep(0.005)


def group_lives(group: int) -> bool:
    """Whether a process of the group runs; a dead one that nobody has waited for does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not (_PROCESSES / "self" / "stat").exists():
        return True
    for entry in os.listdir(_PROCESSES):  # noqa: PTH208 (os.listdir is quicker, and this runs in a loop)
        if entry.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything; the fields after it are state, parent, group.
                state, _, its_group = (_PROCESSES / entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state not in "ZX":
                    return True
    return False


def remove_shared_memory(prefix: str) -> None:
    """Remove the shared memory and the semaphores whose names start with `prefix`."""
    if _SHARED_MEMORY.is_dir():
        for pattern in (f"{prefix}*", f"sem.{prefix}*"):
            for segment in _SHARED_MEMORY.glob(pattern):
                segment.unlink(missing_ok=True)


def main(prefix: str, folder: str) -> None:
    """Wait until the pipe on the standard input closes, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    group = sys.stdin.buffer.read().decode().rpartition("\n")[2]
    clean_up(int(group) if group else None, prefix, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
