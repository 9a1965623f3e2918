"""Jobs never hang and never leak: whatever ends them, no process, shared memory or temporary file is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.lava_help import jobs_of, leftovers, needs_lava, needs_proc, session_members

from snn_deploy.deploy.backends import lava
from snn_deploy.deploy.backends._lava.child_process import kept_log
from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    write_integer_network,
)

pytestmark = [needs_lava, needs_proc]

# Seconds; nothing here is measured by it: only what would wait for ever comes that far.
_ONLY_A_HANG = 600

_TASK = "snn_deploy.deploy.backends._lava.run_network"


@pytest.fixture
def network():
    """Two layers, ten steps."""
    rng = np.random.default_rng(40)
    return IntegerNetwork(
        IntegerInput("input", (4,)),
        (IntegerPopulation("first", (5,), 99, 0, 0, 0), IntegerPopulation("out", (2,), 0, 4096, 0, 0, fires=False)),
        (
            IntegerConnection("a", "input", "first", rng.integers(-128, 128, (5, 4))),
            IntegerConnection("b", "first", "out", rng.integers(-128, 128, (2, 5))),
        ),
        steps=10,
    )


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    assert leftovers(os.getpid()) == []
    assert jobs_of(os.getpid()) == []


def many_samples(count=2000):
    return np.zeros((count, 4), np.uint8)


def end_of_log(error):
    """Return the log that the error names, and remove it; nothing was written when the error says so."""
    if "nothing to its log" in str(error):
        return ""
    path = Path(str(error).partition("Its log is kept in ")[2].partition(";")[0])
    text = path.read_text()
    path.unlink()
    return text


def test_an_error_inside_a_lava_process_ends_the_job_and_is_told(network):
    def spoil(files):
        files.spikes(0).mkdir()  # where a recorder wants to write a file

    with pytest.raises(JobError, match=r"run_network: ended with status 1") as caught:
        lava.run_job(_TASK, network, many_samples(), spoil, record=False, progress=None, timeout=_ONLY_A_HANG)

    assert "IsADirectoryError" in str(caught.value)
    assert "IsADirectoryError" in end_of_log(caught.value)


def test_the_first_error_is_told_however_much_the_waiting_processes_print_after_it(tmp_path):
    log = tmp_path / "log.txt"
    waiting = "Traceback (most recent call last):\n  File x\n    y\nEOFError: Ran out of input\n"
    log.write_text("INFO:start\nTraceback (most recent call last):\n  z\nIsADirectoryError: 'there'\n" + waiting * 5)

    text = kept_log(log)

    assert text.startswith("Its first error: IsADirectoryError: 'there'\n")
    end_of_log(text)


def test_an_error_before_lava_starts_is_told(network):
    def spoil(files):
        files.frames.unlink()

    with pytest.raises(JobError, match="status 1") as caught:
        lava.run_job(_TASK, network, many_samples(1), spoil, record=False, progress=None, timeout=_ONLY_A_HANG)

    assert "FileNotFoundError" in end_of_log(caught.value)


def test_a_job_that_takes_too_long_is_killed(network):
    with pytest.raises(JobError, match="took longer than 3 seconds") as caught:
        lava.run_with_timeout(network, many_samples(), timeout=3.0)
    end_of_log(caught.value)


def test_a_killed_lava_process_ends_the_job(network):
    def kill_one(samples):
        (session,) = jobs_of(os.getpid())
        members = session_members(session)
        assert len(members) > 5  # the job and its layers
        os.kill(members[-2], signal.SIGKILL)

    with pytest.raises(JobError, match="ended with status") as caught:  # and not: took longer
        lava.run_with_timeout(network, many_samples(), progress=kill_one, timeout=_ONLY_A_HANG)
    end_of_log(caught.value)


def test_an_interrupt_ends_the_job(network):
    def interrupt(samples):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lava.run(network, many_samples(), progress=interrupt)


# A parent whose clock goes on by a day when the file given is there: its job has then taken too long.
_PARENT = """
import pathlib, sys, time, types
import numpy
from snn_deploy.deploy.backends import lava
from snn_deploy.deploy.backends._lava import child_process
from snn_deploy.network.integer_network import read_integer_network
network, late = map(pathlib.Path, sys.argv[1:])
now = time.monotonic
child_process.time = types.SimpleNamespace(monotonic=lambda: now() + 86400 * late.exists())
lava.run_with_timeout(read_integer_network(network), numpy.zeros((60000, 4), numpy.uint8), timeout=80000)
"""


@pytest.mark.parametrize("victim", ["parent", "janitor", "job"])
def test_nothing_outlives_a_kill(network, tmp_path, victim):
    write_integer_network(network, tmp_path / "network.npz")
    late = tmp_path / "late"
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path / "network.npz"), str(late)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    session = wait_for_layers(parent)
    janitor = next(n for n in leftover_processes(parent.pid) if os.getsid(n) != session)

    os.kill({"parent": parent.pid, "janitor": janitor, "job": session}[victim], signal.SIGKILL)
    if victim == "janitor":
        late.touch()

    _, errors = parent.communicate(timeout=_ONLY_A_HANG)
    assert parent.returncode == (-signal.SIGKILL if victim == "parent" else 1)
    deadline = time.monotonic() + _ONLY_A_HANG
    while leftovers(parent.pid) + session_members(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert leftovers(parent.pid) + session_members(session) == []
    if victim != "parent":
        assert b"JobError" in errors
        assert (b"took longer than" in errors) == (victim == "janitor")
        end_of_log(errors.decode())


def leftover_processes(parent):
    return [int(item.split()[1]) for item in leftovers(parent) if item.startswith("process")]


def wait_for_layers(parent):
    """Return the session of the job of `parent` once its layers run."""
    deadline = time.monotonic() + _ONLY_A_HANG
    while time.monotonic() < deadline and parent.poll() is None:
        for session in jobs_of(parent.pid):
            if len(session_members(session)) > 8:
                return session
        time.sleep(0.05)
    raise AssertionError("the job did not start")
