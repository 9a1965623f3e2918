# ruff: noqa: E402 - the tests' folder is put on the path first
"""What bad luck and bad files can do, all of it tried again: `make attack`, an hour at most on two cores.

    python tests/attack/attack.py [--seed N] [PART ...]

Each part is a process of its own with a limit of time, two or three times what it takes on a quiet machine. At the end
there is a table of what was tried and what failed; the exit code is 1 where anything did, and the output of that part
is kept in the file that the table names.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS)]

from helpers.killed import marked_processes

PYTHON = sys.executable
_SCRIPT_TOTAL = re.compile(r"^(\d+) [a-z ]+, (\d+) (?:failed|left something)", re.MULTILINE)
_FUZZ_TOTAL = re.compile(r"^(\d+) of \d+ networks compared", re.MULTILINE)
_LONGEST = 3600.0  # seconds, of all parts together
_MARK = "SNN_DEPLOY_ATTACK"  # also what makes tests/cli/test_full_disk.py try all sizes


@dataclass(frozen=True)
class Part:
    """Some attacks. words: of the process, after `python`. minutes: at most.

    is_pytest: its cases are counted from its report, not from the last line that it prints.
    """

    name: str
    what: str
    words: tuple[str, ...]
    minutes: float
    is_pytest: bool = True


@dataclass(frozen=True)
class Row:
    """What became of a part. log: what it printed, where it failed."""

    part: Part
    tried: int
    failed: int
    seconds: float
    note: str = ""


def tests(name: str, what: str, minutes: float, *files: str, only: str = "") -> Part:
    """Return the part that runs test files, those of their tests whose names `only` matches."""
    chosen = ("-k", only) if only else ()
    return Part(name, what, ("-m", "pytest", "-q", "-p", "no:xdist", *(f"tests/{f}" for f in files), *chosen), minutes)


def script(name: str, what: str, minutes: float, file: str, *words: str) -> Part:
    """Return the part that runs a script of the tests."""
    return Part(name, what, (f"tests/{file}", *words), minutes, is_pytest=False)


def parts(seed: int) -> tuple[Part, ...]:
    """Return all parts, in the order of the points that they are of."""
    fuzz = ("-m", "snn_deploy.cli.main", "fuzz", "--networks", "500", "--seed", str(seed))
    return (
        tests("disks", "1 full, small and read-only disks, and no permission, for every output", 15,
              "cli/test_full_disk.py"),
        script("kills", "2 kills of commands", 40, "helpers/verb_kills.py", "100", str(seed)),
        script("lava-kills", "2 kills of Lava jobs", 12, "helpers/random_kills.py", "100", str(seed)),
        tests("memory", "3 files that claim more than they hold, networks that are too large", 5,
              "support/test_npz_file.py", "network/test_hostile_files.py", "deploy/running/test_memory.py",
              "interchange/test_load_hdf5.py", "train/datasets/test_mnist.py", "train/datasets/test_cifar.py",
              "train/data/test_ts_file.py", "train/datasets/test_audio_folder.py"),
        tests("acts", "4 files that would act: downloads, places, plug-ins, links to other files", 2,
              "api/test_a_file_never_acts.py", "interchange/test_load_hdf5.py", "train/data/test_events.py",
              "deploy/backends/test_onnx.py", only="never_acts or links or another_file or other_places"),
        script("readers", "5 damaged files of every kind", 15, "fuzz/readers.py", "20000", str(seed)),
        tests("checkpoints", "5 checkpoints, placements and journals that were changed", 2,
              "train/run/test_checkpoint.py", "search/test_journal.py", only="damaged or type or truncated or line"),
        tests("terminal", "6 control characters and markup on the terminal", 2,
              "cli/test_terminal.py", "support/test_printable.py", "support/test_user_error.py"),
        tests("writers", "7 two writers of one folder", 2, "support/test_one_writer.py", "train/run/test_loop.py",
              "cli/verbs/test_search.py", only="one_writer or never_write or never_share"),
        tests("data", "8 data that cannot be meant", 1, "train/datasets/test_npz_file.py",
              "train/data/test_signals.py", "train/datasets/test_time_series.py",
              "train/models/test_layer_string.py", "search/test_trained.py"),
        tests("search", "9 searches that were stopped, killed or resumed", 15, "cli/verbs/test_search.py",
              only="killed or told_to_end or fit_together"),
        Part("networks", "- random networks on reference, cpu and onnx", fuzz, 6, is_pytest=False),
    )  # fmt: skip


def attack(part: Part, folder: Path, seconds: float) -> Row:
    """Run a part for at most `seconds` and return what became of it; whatever it leaves running is killed."""
    mark, log, report = f"{part.name}-{os.getpid()}", folder / f"{part.name}.log", folder / f"{part.name}.xml"
    words = [PYTHON, *part.words, *((f"--junit-xml={report}",) if part.is_pytest else ())]
    begun, note = time.monotonic(), ""
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=TESTS.parent,
            env=dict(os.environ) | {_MARK: mark, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            note = f"not done after {seconds:.0f} seconds"
        finally:
            _end(mark)
            process.wait()
    tried, failed = _counted(report) if part.is_pytest else _printed(log.read_text(errors="replace"))
    if note or process.returncode:
        note, failed = f"{note or f'exit code {process.returncode}'}: {log}", max(failed, 1)
    if not tried and not note:
        note, failed = f"nothing was tried: {log}", max(failed, 1)
    return Row(part, tried, failed, time.monotonic() - begun, note)


def _end(mark: str) -> None:
    """Kill every process that has `mark` in its environment, also those in sessions of their own."""
    while found := marked_processes(mark):
        for number in found:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def _counted(report: Path) -> tuple[int, int]:
    """Return (cases, failed ones) of pytest's report; a skipped one was not tried."""
    if not report.exists():
        return 0, 0
    suites = list(ElementTree.parse(report).iter("testsuite"))
    tests, skipped, failed, broken = (
        sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "skipped", "failures", "errors")
    )
    return tests - skipped, failed + broken


def _printed(text: str) -> tuple[int, int]:
    """Return (tried, failed) of the last line of a script, or of the verb fuzz."""
    if found := list(_SCRIPT_TOTAL.finditer(text)):
        return int(found[-1][1]), int(found[-1][2])
    if found := list(_FUZZ_TOTAL.finditer(text)):
        return int(found[-1][1]), 0  # its exit code says the rest
    return 0, 0


def summary(rows: Sequence[Row]) -> Table:
    """Return the table of all parts."""
    table = Table("part", "attack", "tried", "failed", "seconds", "", title="make attack")
    for column in table.columns[2:5]:
        column.justify = "right"
    for row in rows:
        style = "red" if row.failed else ""
        numbers = (str(row.tried), str(row.failed), f"{row.seconds:.0f}")
        table.add_row(row.part.name, row.part.what, *numbers, row.note, style=style)
    numbers = (str(sum(r.tried for r in rows)), str(sum(r.failed for r in rows)), f"{sum(r.seconds for r in rows):.0f}")
    table.add_section()
    table.add_row("all", "", *numbers, "")
    return table


def main() -> int:
    """Attack; return 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    known = {part.name: part for part in parts(0)}
    parser.add_argument("part", nargs="*", choices=[[], *known], help="those to run; all where none is named")
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 180)
    folder = Path(tempfile.mkdtemp(prefix="snn-deploy-attack-"))
    rows, end = list[Row](), time.monotonic() + _LONGEST
    for part in parts(asked.seed):
        if not asked.part or part.name in asked.part:
            console.print(f"{time.strftime('%H:%M:%S')} {part.name}: {part.what}", markup=False)
            rows.append(attack(part, folder, max(1.0, min(60 * part.minutes, end - time.monotonic()))))
            if not rows[-1].failed:
                (folder / f"{part.name}.log").unlink()
            (folder / f"{part.name}.xml").unlink(missing_ok=True)
    console.print(summary(rows))
    with suppress(OSError):  # it keeps what failed
        folder.rmdir()
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
