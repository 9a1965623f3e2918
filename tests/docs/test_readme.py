"""What README.md says is what the program does."""

import re
import subprocess
import sys
from pathlib import Path

from helpers.cli_help import snn_deploy

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def _shape(line):
    """A line with its numbers left out: they may differ in the last digits between machines."""
    return re.sub(r"\d+(\.\d+)?", "#", line)


def test_the_two_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert _blocks("sh")[0].split() == ["make", "demo", "make", "test"]
    assert {"demo", "test"} <= set(targets)


def test_the_demo_does_all_five_steps_and_writes_what_it_says(tmp_path):
    result = snn_deploy("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    accuracies = [float(x) for x in re.findall(r"^\w+ accuracy +([\d.]+) %", result.stdout, flags=re.MULTILINE)]
    assert len(accuracies) == 2
    assert min(accuracies) >= 97
    assert re.search(r"^identical: 24 samples, \d+ spikes, on reference, cpu", result.stdout, flags=re.MULTILINE)
    assert "5/5 done" in result.stdout
    written = re.findall(r"^wrote (\S+)|^  wrote (\S+)", result.stdout, flags=re.MULTILINE)
    assert written
    assert all(Path(first or second).exists() for first, second in written)


def test_it_is_short():
    assert len(README.split()) <= 700


def test_lines_that_the_session_leaves_out_become_one_line(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import record_session  # noqa: PLC0415 - docs/record_session.py

    printed = "a 1\nb\n\nc\na 2  \nd\n"
    assert record_session.shortened(printed, "^a") == ["a 1", "...", "a 2", "..."]


def test_the_recorded_session_is_what_its_commands_print_today():
    """Numbers may differ in the last digits between machines, so they are left out; `make session` records anew."""
    command = [sys.executable, str(ROOT / "docs/record_session.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        assert done.stdout, done.stderr
        (shown,) = _blocks("console")
        assert [_shape(x) for x in done.stdout.splitlines()] == [_shape(x) for x in shown.splitlines()]


def test_every_file_that_the_readme_links_to_exists():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_demo_trains_what_the_example_says():
    schema, example = (ROOT / "examples/digits.toml").read_text(encoding="utf-8").split("\n", 1)
    assert schema.startswith("#:schema ")  # by a path from the examples, where the demo does not lie
    assert (ROOT / "src/snn_deploy/cli/demo.toml").read_text(encoding="utf-8") == example


def test_the_four_stage_folders_at_the_top_are_links_to_the_package():
    for name in ("train", "export", "deploy", "hardware_profiles"):
        link = ROOT / name
        assert link.is_symlink()
        assert not Path(link.readlink()).is_absolute()
        assert link.resolve() == ROOT / "src/snn_deploy" / name
