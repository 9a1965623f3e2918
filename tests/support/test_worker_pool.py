"""Processes that share work: each result once, errors where the work was asked for, and nothing left of them."""

import math
import operator
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.killed import hold_and_sleep

from snn_deploy.support.user_error import UserError
from snn_deploy.support.worker_pool import WorkerLostError, worker_pool

_SLOWEST_DEATH = 60.0  # seconds; only a worker that does not notice comes that far: its work takes ten minutes


def test_every_task_is_done_once_by_no_more_processes_than_there_are_tasks():
    with worker_pool(3) as pool:
        assert sorted(pool.results(operator.mul, [(i, i) for i in range(20)])) == [(i, i * i) for i in range(20)]
        assert sorted(pool.results(math.sqrt, [(4,)])) == [(0, 2.0)]  # the same processes
    with worker_pool(5) as pool:
        assert len({pid for _, pid in pool.results(os.getpid, [(), ()])} | {os.getpid()}) <= 3


def test_an_error_of_the_work_is_raised_here():
    with worker_pool(1) as pool, pytest.raises(RuntimeError, match="division by zero"):
        list(pool.results(operator.truediv, [(1, 0)]))
    with worker_pool(1) as pool, pytest.raises(UserError, match="no plug-in named"):
        from snn_deploy.support.plugin import load_plugin  # noqa: PLC0415

        list(pool.results(load_plugin, [("train.losses", "none_such")]))


def test_a_worker_that_is_killed_is_one_line_and_the_others_end():
    with worker_pool(2) as pool:
        pids = [pid for _, pid in pool.results(os.getpid, [()])]
        with pytest.raises(WorkerLostError, match="ended by signal 9"):
            list(pool.results(os.kill, [(pids[0], signal.SIGKILL)] * 2))
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_work_goes_on_while_signals_come_to_the_whole_group():
    """A terminal sends them to all; what becomes of the work is said by the process that asked for it."""
    with worker_pool(1) as pool:
        (pid,) = (found for _, found in pool.results(os.getpid, [()]))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
        assert list(pool.results(operator.add, [(1, 1)])) == [(0, 2)]


def test_work_that_nobody_waits_for_any_more_removes_what_it_holds(tmp_path):
    def look():
        if (tmp_path / "begun").exists():
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
        list(pool.results(hold_and_sleep, [(tmp_path,)], look))
    assert [p.name for p in tmp_path.iterdir()] == ["begun"]
    assert time.monotonic() - start < 60


_PARENT = """
import re, time
from snn_deploy.support.worker_pool import worker_pool
with worker_pool(3) as pool:
    print("up", flush=True)
    list(pool.results({function}, [{task}] * 3))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("function", "task"),
    [("time.sleep", (600,)), ("re.match", ("(a+)+$", "a" * 60 + "b"))],  # the second holds Python's lock for years
    ids=["idle", "busy"],
)
@pytest.mark.parametrize("seconds", [0.05, 1.0], ids=["starting", "working"])
def test_workers_end_when_their_parent_is_killed_whatever_they_do(function, task, seconds):
    script = _PARENT.format(function=function, task=task)
    mark = f"kill-{os.getpid()}-{time.monotonic_ns()}"
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=dict(os.environ) | {"KILL_TEST": mark}
    )
    assert parent.stdout
    assert parent.stdout.readline() == b"up\n"
    time.sleep(seconds)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + _SLOWEST_DEATH
    while (alive := _with(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive


def _with(mark: str) -> list[str]:
    """Return the living processes that have `mark` in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
    return found
