"""Kills of a Lava job's parent or of one of its processes at random moments.

python random_kills.py 100 [SEED]       does a hundred
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

_LONGEST_RUN = 3.5  # seconds from the start of the parent to the kill: from before its first import to after its end
_LONGEST_END = 60.0
_LONGEST_CLEANING = 15.0

_PARENT = """
import numpy
from snn_deploy.deploy.backends import lava, reference
from snn_deploy.network.integer_network import *
network = IntegerNetwork(
    IntegerInput("input", (4,), 8),
    (IntegerPopulation("first", (5,), 99, 0, 0, 0), IntegerPopulation("out", (2,), 0, 4096, 0, 0, fires=False)),
    (
        IntegerConnection("a", "input", "first", numpy.arange(20).reshape(5, 4)),
        IntegerConnection("b", "first", "out", numpy.arange(10).reshape(2, 5)),
    ),
    steps=10,
)
inputs = numpy.random.default_rng(0).integers(0, 9, (150, 4)).astype(numpy.uint8)
outputs = lava.run(network, inputs).outputs
assert (outputs == reference.run(network, inputs).outputs).all()
"""


def kill_at_random(rng: random.Random, folder: Path) -> str:
    """Start a job and kill its parent or one of the processes of the job; return what was killed and how it ended.

    folder: empty, for its temporary files. AssertionError when a process, shared memory or a file is left there, when
    the parent hangs, or when it calls a broken job a success.
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ) | {"TMPDIR": str(folder)},
        start_new_session=True,
    )
    name = f"snn-deploy-{parent.pid}-"
    seconds, wanted = rng.uniform(0, _LONGEST_RUN), rng.choice(["parent", "child"])
    time.sleep(seconds)
    children = [n for n in _processes(name) if n != parent.pid]
    victim = rng.choice(children) if wanted == "child" and children else parent.pid
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        wanted = "nobody"  # the child had ended by itself
    _, errors = parent.communicate(timeout=_LONGEST_END)
    assert parent.returncode in (0, 1, -signal.SIGKILL), parent.returncode
    assert parent.returncode != 1 or b"JobError" in errors, errors.decode()
    deadline = time.monotonic() + _LONGEST_CLEANING
    while (left := _left(name, folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, f"{left} after killing {wanted} after {seconds:.3f} seconds"
    for log in folder.iterdir():
        log.unlink()
    how = {0: "finished", 1: "JobError"}.get(parent.returncode, "killed")
    return f"{'parent' if victim == parent.pid else wanted}: {how}"


def _processes(name: str) -> list[int]:
    """Return the processes with `name` in their command line; forks of a job have the job's."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and name.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _left(name: str, folder: Path) -> list[str]:
    """Return what is left, the logs that a JobError names excepted."""
    files = [str(p) for p in folder.iterdir() if not p.name.startswith("snn-deploy-failed-")]
    memory = [str(p) for p in Path("/dev/shm").glob(f"*{name}*")]
    return [f"process {n}" for n in _processes(name)] + files + memory


if __name__ == "__main__":
    count, seed = (*map(int, sys.argv[1:]), 0)[:2]
    kills, ends, failed = random.Random(seed), Counter[str](), 0
    for _ in range(count):
        with tempfile.TemporaryDirectory(prefix="k") as place:
            try:
                ends[kill_at_random(kills, Path(place))] += 1
            except AssertionError as error:
                ends[f"LEFT {error}"] += 1
                failed += 1
    print(f"{ends.total()} kills, {failed} left something: {dict(sorted(ends.items()))}")
    sys.exit(failed > 0)
