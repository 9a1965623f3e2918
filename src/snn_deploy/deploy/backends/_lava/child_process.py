"""Run a job in a child process that can neither hang nor outlive its parent, and that leaves nothing behind.

Lava starts one process per layer; when one of them fails, the rest wait for ever. So a job has a session of its
own that is killed as a whole at the end, on success too: its results are files that were complete before.
Two things watch: each process of the job asks Linux to be killed with its parent, and a janitor (_janitor.py)
cleans up when the parent dies before it could.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from snn_deploy.deploy.backends._lava import janitor as _janitor
from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.support.atomic_file import writing
from snn_deploy.support.end_with_parent import ask_to_die_with

_PREFIX = "snn-deploy-"
_LOG = "log.txt"
_LONGEST_PLACE = 40  # letters; the job's sockets lie 60 deeper, and their paths may have about 100 (man 7 unix)
_SHORT_PLACE = Path("/tmp")
_LOOK_EVERY = 0.05  # seconds between two looks at the job
_ROOM = 1 << 16  # bytes
_SHOWN_LINES = 12  # of the log, in the error
_ERROR = re.compile(r"[\w.]+(Error|Exception|Interrupt)\b")  # the last line of a traceback
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")

# It says that shared memory was left, which is so by design, and would hide the end of the log.
_EXPECTED_WARNING = "ignore::UserWarning:multiprocessing.resource_tracker"


@dataclass(frozen=True)
class Workspace:
    """The private folder of one job, and the prefix that the names of its shared memory get."""

    folder: Path
    prefix: str
    _janitor: subprocess.Popen

    def run(self, module: str, task: str, *, timeout: float, look: Callable[[], None] = lambda: None) -> None:
        """Run `python -m module FOLDER PREFIX PARENT task` until it exits; JobError unless it exits with 0 in time.

        timeout: seconds. look: called while waiting and once at the end.
        """
        log = self.folder / _LOG
        with writing(log), log.open("wb") as output:
            job = subprocess.Popen(
                [sys.executable, "-m", module, str(self.folder), self.prefix, str(os.getpid()), task],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=_environment(self.folder),
                start_new_session=True,
            )
        try:
            self._tell_janitor(str(job.pid))
            deadline = time.monotonic() + timeout
            while job.poll() is None and time.monotonic() < deadline:
                with suppress(subprocess.TimeoutExpired):
                    job.wait(_LOOK_EVERY)
                look()
        finally:
            status = job.poll()
            job.kill()
            job.wait()
            _janitor.kill_group(job.pid)
            self._tell_janitor("\n")
        if status != 0:
            _require_room(self.folder)
            ending = f"took longer than {timeout:.0f} seconds" if status is None else f"ended with status {status}"
            raise JobError(f"{task}: {ending}. {kept_log(log)}")
        look()

    def _tell_janitor(self, text: str) -> None:
        pipe = self._janitor.stdin
        assert pipe is not None
        with suppress(BrokenPipeError):  # a killed janitor is noticed when the workspace closes
            pipe.write(text.encode())
            pipe.flush()


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Yield a Workspace; whatever happens, its folder, processes and shared memory are gone afterwards.

    Must be used in the thread that waits for the job: Linux kills a child with the thread that started it.
    """
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    place = Path(tempfile.gettempdir()).resolve()
    folder = (place if len(str(place)) <= _LONGEST_PLACE else _SHORT_PLACE) / name
    # The janitor comes first, so that there is no moment at which a kill could leave the folder behind.
    janitor = subprocess.Popen(
        [sys.executable, "-I", "-S", _janitor.__file__, name, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        with writing(folder):
            folder.mkdir(mode=0o700)
        yield Workspace(folder, name, janitor)
    finally:
        _janitor.clean_up(None, name, str(folder))
        assert janitor.stdin is not None
        with suppress(BrokenPipeError):
            janitor.stdin.close()
        janitor.wait()


def die_with_parent(parent: int) -> None:
    """Have this process, and every process that it forks, killed as soon as its parent is dead (on Linux).

    parent: the process number of the parent, which may be dead already.
    """
    ask_to_die_with(parent)
    forking = [os.getpid()]

    def remember() -> None:
        forking[0] = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: ask_to_die_with(forking[0]))


def exit_at_once(status: int) -> None:
    """End this process without waiting for its children; the parent kills them with the group."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _environment(folder: Path) -> dict[str, str]:
    """Return the job's environment: one thread per process, our places to import from, its own temporary files."""
    paths = os.pathsep.join(str(Path(p).resolve()) for p in sys.path)
    warnings = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), _EXPECTED_WARNING]))
    own = {"PYTHONPATH": paths, "PYTHONWARNINGS": warnings, "TMPDIR": str(folder)}
    return dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1") | own


def _require_room(folder: Path) -> None:
    """Raise WriteError where nothing can be written to a job's folder: it then ended for that, and could not say so."""
    probe = folder / "probe"
    with writing(folder):
        try:
            probe.write_bytes(bytes(_ROOM))
        finally:
            probe.unlink(missing_ok=True)


def kept_log(log: Path) -> str:
    """Return the end of the log and where the whole of it is kept; an empty one is not."""
    text = log.read_text(errors="replace")
    if not text:
        return "It had written nothing to its log."
    lines = text.splitlines()
    shown = lines[-_SHOWN_LINES:]
    # The processes that waited for the one that failed print their own errors after it, in any order and number.
    first = next(filter(_ERROR.match, lines), None)
    told = [] if first is None or first in shown else [f"Its first error: {first}"]
    return "\n".join([*told, f"{_copied(log)}; it ends with:", *shown])


def _copied(log: Path) -> str:
    """Return where a copy of the log is, or why there is none."""
    try:
        handle, kept = tempfile.mkstemp(prefix=f"{_PREFIX}failed-", suffix=".log")
    except OSError as error:
        return f"Its log cannot be kept ({error.strerror or error})"
    os.close(handle)
    try:
        shutil.copyfile(log, kept)
    except OSError as error:
        Path(kept).unlink(missing_ok=True)
        return f"Its log cannot be kept ({error.strerror or error})"
    return f"Its log is kept in {kept}"
