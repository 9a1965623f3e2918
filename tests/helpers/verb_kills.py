# ruff: noqa: E402 - the tests' folder is put on the path first
"""Kills of whole commands at random moments, as users and systems do it.

    python verb_kills.py 100 [SEED]       does a hundred, over all commands that take more than a moment

Whatever ends a command, its processes are gone within two seconds, and it leaves no shared memory, no semaphore and no
temporary file. After a SIGKILL a half-written file may stay; the next command that writes there removes it.
"""

import fcntl
import importlib.util
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

from helpers.killed import marked_processes
from helpers.small_config import SMALL_CONFIG

from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    write_integer_network,
)

_COMMAND = (sys.executable, "-m", "snn_deploy.cli.main")
_CLUSTER = """
import sys
import dask
import distributed
if sys.argv[1:]:
    dask.config.set(temporary_directory=sys.argv[1])
with distributed.LocalCluster(
    n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None
) as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""
_LONGEST_END = 120.0
_SLOWEST_DEATH = 2.0
_LONGEST_RUN = 20.0  # seconds from the start to the kill: from before the first import to after the end
_LONGEST_SHORT_RUN = 6.0
_SHARED_MEMORY = Path("/dev/shm")
_OF_ONNX_RUNTIME = ".ses"  # which ONNX Runtime leaves in the folder for temporary files whenever it is imported
WAYS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGTERM to all", "SIGINT to all", "terminal")


def prepared(place: Path, cluster: str | None = None) -> dict[str, list[str]]:
    """Return verb -> the words of its command, after writing what they read to `place`: a config and a network.

    cluster: the address of a dask scheduler, where there is one.
    """
    (place / "small.toml").write_text(SMALL_CONFIG)
    weights = np.random.default_rng(0).integers(-9, 9, (10, 64))
    network = IntegerNetwork(
        IntegerInput("input", (1, 8, 8)),
        (IntegerPopulation("output", (10,), 0, 4096, 0, 0, fires=False),),
        (IntegerConnection("dense", "input", "output", weights),),
        steps=50,
    )
    config, net, out = str(place / "small.toml"), str(place / "network.npz"), place / "out"
    write_integer_network(network, Path(net))
    run = ["run", net, "--data", "digits"]
    commands = {
        "search --workers": ["search", config, "--steps", "2,1", "--samples", "50", "--verify", "1", "--workers", "2",
                             "--weight-bits", "8,4", "--out", str(out / "search"), "--resume"],
        "run --workers": [*run, "--backend", "reference", "--workers", "2"],
        "run --record": [*run, "--record", str(out / "all.h5")],
        "compare --workers": ["compare", config, "--seeds", "2", "--workers", "2", "--out", str(out / "compare")],
        "train": ["train", config, "--out", str(out / "train"), "--resume"],
        "demo": ["demo", "--out", str(out / "demo")],
    }  # fmt: skip
    return commands | ({"run --cluster": [*run, "--backend", "reference", "--cluster", cluster]} if cluster else {})


def of_a_run(place: Path) -> dict[str, list[str]]:
    """Return verb -> the words of its command, of those that read a run and take seconds.

    The run is trained and exported to `place`, which is that of `prepared`.
    """
    run, out = str(place / "run"), place / "out"
    exported = ["export", run, "--samples", "5", "--out"]
    for words in (["train", str(place / "small.toml"), "--out", run], [*exported, str(place / "exported")]):
        subprocess.run([*_COMMAND, *words], check=True, capture_output=True)
    net = str(place / "exported/network.npz")
    return {
        "export": [*exported, str(out / "exported")],
        "export --target onnx": [*exported, str(out / "onnx"), "--target", "onnx"],
        "verify": ["verify", net, "--samples", "5"],
        "map": ["map", net, "--out", str(out / "put.json"), "--picture", str(out / "map.png")],
        "energy": ["energy", net, "--samples", "20"],
        "plot": ["plot", run, "--out", str(out / "plot")],
        "report": ["report", net, "--samples", "10", "--compared", "1", "--backends", "reference,cpu",
                   "--out", str(out / "report.html")],
        "fuzz": ["fuzz", "--networks", "20"],
        "fit": ["fit", run, "--busiest-us", "1.2", "--rounds", "1", "--samples", "50", "--verify", "1",
                "--out", str(out / "fit"), "--resume"],
    }  # fmt: skip


@contextmanager
def dask_cluster(folder: Path | None = None) -> Iterator[str]:
    """Yield the address of a scheduler with a worker, in one process of its own; folder: where it may write."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER, *([str(folder)] if folder else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def kill_at_random(rng: random.Random, words: list[str], way: str, place: Path, longest: float = _LONGEST_RUN) -> str:
    """Start a command and end it in one of WAYS after up to `longest` seconds; return how it ended.

    place: of `prepared`. AssertionError where something is left.
    """
    temporary = place / "temporary"
    temporary.mkdir(exist_ok=True)
    mark = f"verb-kill-{os.getpid()}-{time.monotonic_ns()}"
    memory, before = set(_SHARED_MEMORY.iterdir()), set(half_written(place / "out"))
    master, slave = os.openpty()
    command = subprocess.Popen(
        [*_COMMAND, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=dict(os.environ) | {"TMPDIR": str(temporary), "VERB_KILL": mark},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - makes it the command's terminal
    )
    os.close(slave)
    seconds = rng.uniform(0, longest)
    _read_until(master, time.monotonic() + seconds)
    name, _, to_all = way.partition(" ")
    if way == "terminal":
        os.close(master)
    else:
        with suppress(ProcessLookupError):
            (os.killpg if to_all else os.kill)(command.pid, getattr(signal, name))
    deadline = time.monotonic() + _LONGEST_END
    while command.poll() is None and time.monotonic() < deadline:
        if way == "terminal":
            time.sleep(0.02)
        else:
            _read_until(master, time.monotonic() + 0.02)
    about = f"{' '.join(words)}: {way} after {seconds:.2f} seconds"
    assert command.returncode is not None, f"{about}: still runs"
    if way != "terminal":
        os.close(master)
    left: list[str] = []
    deadline = time.monotonic() + _SLOWEST_DEATH
    while (left := _described(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"{about}: processes {left}"
    new = {p for p in set(_SHARED_MEMORY.iterdir()) - memory if not _is_mapped(p)}
    time.sleep(0.2 if new else 0)
    assert not (new & set(_SHARED_MEMORY.iterdir())), f"{about}: {new}"
    files = [str(p) for p in temporary.rglob("*") if p.is_file() and p.name != _OF_ONNX_RUNTIME]
    shutil.rmtree(temporary)
    if way != "SIGKILL":
        files += sorted(set(half_written(place / "out")) - before)
    assert not files, f"{about}: {files}"
    return "killed" if command.returncode < 0 else f"exit {command.returncode}"


def half_written(folder: Path) -> list[str]:
    """Return the temporary files below `folder`."""
    return [str(p) for p in folder.rglob(".*") if p.is_file()]


def _read_until(master: int, moment: float) -> None:
    """Take what the command writes to its terminal, so that it never waits."""
    while (rest := moment - time.monotonic()) > 0:
        if select.select([master], [], [], rest)[0]:
            try:
                os.read(master, 65536)
            except OSError:  # nobody has the terminal open any more
                time.sleep(min(rest, 0.02))


def _described(mark: str) -> list[str]:
    """Return the living processes of a command, with their command lines."""
    found = []
    for number in marked_processes(mark):
        with suppress(OSError):
            found.append(f"{number} {Path(f'/proc/{number}/cmdline').read_bytes()!r}")
    return found


def _is_mapped(path: Path) -> bool:
    """Whether a living process has the shared memory: then it is not of a command that has ended.

    By its inode: whoever made a semaphore has mapped it under the name that it had for a moment before.
    """
    with suppress(OSError):
        inode = str(path.stat().st_ino)
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                for line in (entry / "maps").read_text().splitlines():
                    fields = line.split(maxsplit=5)
                    if len(fields) == 6 and fields[4] == inode and fields[5].startswith(str(_SHARED_MEMORY)):
                        return True
    return False


if __name__ == "__main__":
    count, seed = (*map(int, sys.argv[1:]), 0)[:2]
    kills, ends, failed = random.Random(seed), Counter[str](), 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="k")))
        has_dask = importlib.util.find_spec("distributed") is not None
        commands = prepared(folder, stack.enter_context(dask_cluster(folder)) if has_dask else None)
        longest = dict.fromkeys(commands, _LONGEST_RUN)
        commands |= of_a_run(folder)
        for number in range(count):
            verb, how = list(commands)[number % len(commands)], kills.choice(WAYS)
            try:
                ended = kill_at_random(kills, commands[verb], how, folder, longest.get(verb, _LONGEST_SHORT_RUN))
            except AssertionError as error:
                ended, failed = f"LEFT {error}", failed + 1
            ends[f"{verb}, {how}: {ended}"] += 1
            print(number + 1, verb, how, ended, flush=True)
        for words in commands.values():  # they remove what SIGKILL left half-written
            subprocess.run([*_COMMAND, *words], check=True, capture_output=True)
        assert not half_written(folder / "out"), half_written(folder / "out")
    for end in sorted(ends):
        print(f"{ends[end]:4} {end}")
    print(f"{ends.total()} kills, {failed} left something")
    sys.exit(failed > 0)
