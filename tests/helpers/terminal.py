"""A command on a terminal of so many columns, and what stands on it in the end and on the way."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyte

_ROWS = 60


@dataclass(frozen=True)
class Seen:
    """What a user saw. lines: what is left on the screen; moving: every line that stood last on the way, in order.

    raw: the bytes that came.
    """

    exit_code: int
    lines: list[str]
    moving: list[str]
    raw: bytes


def on_terminal(
    *words: object,
    columns: int,
    folder: Path,
    interrupt_at: Callable[[str], bool] = lambda line: False,
    environment: dict[str, str] | None = None,
) -> Seen:
    """Run `python WORDS` on a terminal, with one Ctrl-C as soon as the line at the cursor is such."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=known | {"TERM": "xterm"} | (environment or {}),
        start_new_session=True,
    )
    os.close(theirs)
    screen = pyte.Screen(columns, _ROWS)
    stream = pyte.ByteStream(screen)
    raw, moving, is_interrupted = b"", [], False
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so when the last writer is gone
            break
        if not part:
            break
        raw += part
        stream.feed(part)
        line = screen.display[screen.cursor.y].rstrip()
        if line and line not in moving[-1:]:
            moving.append(line)
        if not is_interrupted and interrupt_at(line):
            is_interrupted = True
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    os.close(ours)
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return Seen(process.wait(), lines, moving, raw)
