"""worker_pool: processes that share work, and of which nothing is left however this process ends.

A worker has nothing but a pipe to this process: no semaphore, no shared memory, no file, which the pools of
multiprocessing and joblib leave behind when they are killed. It ends with this process, and leaves the signals of a
terminal to it. Unlike theirs, it never imports the caller's script again.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, TypeVar

from snn_deploy.support.end_with_parent import end_with
from snn_deploy.support.user_error import UserError

_R = TypeVar("_R")

_STOP = signal.SIGUSR1  # to a worker: raise KeyboardInterrupt
_STOPS, _BETWEEN_STOPS = 3, 1.0  # so often, and seconds
_LOOK_EVERY = 0.5  # seconds
_LONGEST_DEATH = 5.0  # seconds between the end of a worker's pipe and its own
_SCRIPT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[3]); "
    "from snn_deploy.support.worker_pool import serve; serve(int(sys.argv[1]), int(sys.argv[2]))"
)


class WorkerLostError(UserError):
    """A worker process was killed from outside."""


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection

    def lost(self) -> WorkerLostError:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_LONGEST_DEATH)
        status = self.process.poll()
        ended = f"by signal {-status}" if status is not None and status < 0 else f"with status {status}"
        return WorkerLostError(
            f"a worker process ended {ended}. Where memory is short, Linux kills processes: take fewer --workers."
        )


class WorkerPool:
    """Up to `count` worker processes, each started when there is work for it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._workers: list[_Worker] = []

    def results(
        self,
        function: Callable[..., _R],
        tasks: Iterable[tuple[Any, ...]],
        look: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[int, _R]]:
        """Yield (number of the task, function(*task)) as they are done; an error of `function` is raised here.

        function: of a module that a worker can import. tasks: are taken as workers become free. look: called at least
        every half second.
        """
        waiting = enumerate(tasks)
        idle = list(self._workers)
        busy: dict[Connection, tuple[_Worker, int]] = {}
        while True:
            while len(busy) < self._count and (task := next(waiting, None)) is not None:
                worker = idle.pop() if idle else self._start()
                _send(worker, (function, task[1]))
                busy[worker.pipe] = worker, task[0]
            if not busy:
                return
            for pipe in wait(list(busy), timeout=_LOOK_EVERY):
                assert isinstance(pipe, Connection)
                worker, number = busy.pop(pipe)
                answer = _receive(worker)
                idle.append(worker)
                yield number, answer
            look()

    def _start(self) -> _Worker:
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", _SCRIPT, str(theirs.fileno()), str(os.getpid()), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def end(self) -> None:
        """End the workers, which are idle or whose work nobody waits for any more: those that do not stop are killed.

        The work is interrupted first, so that it removes what it has half written.
        """
        for _ in range(_STOPS):  # a callback of a compiler may swallow an interrupt
            for worker in self._workers:
                worker.process.send_signal(_STOP)  # nothing happens where it has ended
            deadline = time.monotonic() + _BETWEEN_STOPS
            for worker in self._workers:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            worker.pipe.close()


@contextmanager
def worker_pool(count: int) -> Iterator[WorkerPool]:
    """Yield a pool of `count` processes that are gone afterwards; it must be used in the thread that asked for it."""
    pool = WorkerPool(count)
    try:
        yield pool
    finally:
        pool.end()


def serve(handle: int, parent: int) -> None:
    """Do the work that comes through the pipe with the number `handle`, until `parent` closes it or ends."""
    end_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they come to the whole group, and the parent says what becomes of it
    signal.signal(_STOP, signal.default_int_handler)
    pipe = Connection(handle)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            pipe.send_bytes(_answer(pipe.recv_bytes()))
    os._exit(0)  # without the seconds that libraries take to end


def _answer(asked: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(asked)
        return pickle.dumps((True, function(*arguments)))
    except UserError as error:
        return pickle.dumps((False, error))
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        text = "".join(traceback.format_exception(error))
        return pickle.dumps((False, RuntimeError(f"in a worker process:\n{text}")))


def _send(worker: _Worker, work: object) -> None:
    try:
        worker.pipe.send_bytes(pickle.dumps(work))
    except OSError as error:
        raise worker.lost() from error


def _receive(worker: _Worker) -> Any:
    try:
        succeeded, answer = pickle.loads(worker.pipe.recv_bytes())
    except (EOFError, OSError) as error:
        raise worker.lost() from error
    if not succeeded:
        raise answer
    return answer
