"""A folder has one writer at a time; the second is told who it is, and a dead one keeps nobody out."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from snn_deploy.support import one_writer as module
from snn_deploy.support.one_writer import FolderInUseError, one_writer, require_no_writer
from snn_deploy.support.user_error import UserError

_HOLDER = """
import sys
from pathlib import Path
from snn_deploy.support.one_writer import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, tmp_path / "run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_is_told_who_holds_the_folder(holder, tmp_path):
    for _ in range(2):  # trying does not change what the next one reads
        with pytest.raises(FolderInUseError, match=rf"process {holder.pid} \(since \d{{4}}-.*--out"):
            require_no_writer(tmp_path / "run")
    told = json.loads((tmp_path / "run" / ".writer").read_text())
    assert told["host"] == socket.gethostname()
    holder.communicate()
    assert not (tmp_path / "run").exists()  # it was made for the lock, and nothing was written to it


def test_a_dead_holder_keeps_nobody_out(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    with one_writer(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / ".writer").read_text())["pid"] == os.getpid()
        (tmp_path / "run" / "result").write_text("whole")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["result"]


def test_of_many_that_come_and_go_never_two_hold_it_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 60.0)
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.0)
    inside, most, count = 0, 0, 0

    def come_and_go():
        nonlocal inside, most, count
        for _ in range(50):
            with one_writer(tmp_path):
                inside += 1
                most = max(most, inside)
                count += 1
                inside -= 1

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, count) == (1, 200)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"), one_writer(tmp_path / "file" / "run"):
        pass
