"""A disk with little room: limits on the size of files that any system has, and a tmpfs where mounts are allowed."""

import os
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Have every write beyond `size` bytes of a file fail, for this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def mounted(place: Path, size: int) -> Iterator[Path]:
    """Yield the folder `place` with a tmpfs of `size` bytes on it; skip the test where mounts are not allowed."""
    place.mkdir()
    options = f"size={size}"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", place]
    tried = subprocess.run(command, check=False, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no mounts here: {tried.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def leave(disk: Path, room: int) -> None:
    """Fill `disk` until `room` bytes are free."""
    (disk / "filler").unlink(missing_ok=True)
    state = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(max(state.f_bavail * state.f_frsize - room, 0)))


def without_privileges(command: Sequence[object]) -> list[str]:
    """Return `command` as one that keeps to the permissions of files, also where root starts it; or skip the test."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    bare = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    try:
        subprocess.run([*bare, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"root, and no setpriv: {error}")
    return [*bare, *words]


def read_only(disk: Path) -> None:
    """Let nothing be written to a mounted disk any more."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
