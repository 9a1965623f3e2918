"""What README.md says is what the program does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli_help import snn_deploy
from helpers.lava_help import needs_lava

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


@needs_lava
@pytest.mark.timeout(600)
def test_the_demo_prints_what_the_readme_shows(tmp_path):
    result = snn_deploy("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    printed = {_shape(line): line for line in result.stdout.splitlines()}
    shown = _blocks("text")[0].splitlines()
    assert len(shown) > 5
    for line in shown:
        assert _shape(line) in printed, line
    for line in (line for line in shown if "accuracy" in line):
        shown_accuracy, found_accuracy = (
            float(re.findall(r"[\d.]+", text)[0]) for text in (line, printed[_shape(line)])
        )
        assert found_accuracy >= 97
        assert abs(shown_accuracy - found_accuracy) <= 1
    for path in re.findall(r"^  wrote (.*)$", result.stdout, flags=re.MULTILINE):
        assert Path(path).is_file()


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
    assert (ROOT / "src/snn_deploy/cli/demo.toml").read_bytes() == (ROOT / "examples/digits.toml").read_bytes()


def test_the_four_stage_folders_at_the_top_are_links_to_the_package():
    for name in ("train", "export", "deploy", "hardware_profiles"):
        link = ROOT / name
        assert link.is_symlink()
        assert not Path(link.readlink()).is_absolute()
        assert link.resolve() == ROOT / "src/snn_deploy" / name
