"""Every code block of README.md and docs/ runs, in the order of its page.

A comment before a block makes it smaller, or says why it does not run:
<!-- test: WORDS => OTHER WORDS; ... -->      the block runs with these words changed
<!-- test: not run: REASON -->
A Python block whose first line is a path is written to that file. A TOML block is saved under the name in the paragraph
before it. Output (text, console) is compared by test_readme.py.
"""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.lava_help import LAVA_MISSING
from markdown_it import MarkdownIt

from snn_deploy.support.plugin import load_plugin

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_RULE = re.compile(r"<!-- test: (.*?) -->", flags=re.DOTALL)
_LAVA_PAGES = ("lava.md",)


@dataclass(frozen=True)
class Block:
    """A block of code, its language, its line in the page, what stands before it, and the comment's rule."""

    language: str
    code: str
    line: int
    before: str
    rule: str


def blocks(page: Path) -> list[Block]:
    found, before, rule = [], "", ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block" and (match := _RULE.search(token.content)):
            rule = match[1]
        elif token.type == "inline":
            before = token.content
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            language = token.info.strip() or "nothing"
            if not language.startswith("{"):  # a directive of the site
                found.append(Block(language, token.content, token.map[0] + 1, before, rule))
            rule = ""
    return found


WITH_CODE = [page for page in PAGES if blocks(page)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with what pages take as given: the examples, a trained and exported run, files of other programs."""
    folder = tmp_path_factory.mktemp("prepared")
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "benchmarks").symlink_to(ROOT / "benchmarks")
    run = folder / "runs/digits"
    small = ["--set", "training.epochs=3", "--set", "training.measured_samples=0"]
    for arguments in (
        ("train", folder / "examples/digits.toml", *small, "--out", run),
        ("export", run, "--samples", 20),
        ("export", run, "--target", "onnx", "--samples", 20),
    ):
        result = snn_deploy(*arguments)
        assert result.exit_code == 0, result.output
    shutil.copytree(run, folder / "runs/digits-seed0")
    weights = np.random.default_rng(0).normal(size=(4, 6))
    neurons = nir.LIF(*(np.full(4, value) for value in (2e-4, 2.0, 0.0, 1.0)))
    nir.write(folder / "model.nir", nir.NIRGraph.from_list(nir.Linear(weights), neurons))
    np.save(folder / "images.npy", load_plugin("train.datasets", "digits").Dataset().load("test").inputs[:20])
    return folder


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_every_block_runs(page, prepared, tmp_path, monkeypatch):
    if page.name in _LAVA_PAGES and LAVA_MISSING:  # never in CI: .ci/run fails where Lava is missing
        pytest.skip(f"the page runs Lava: {LAVA_MISSING}")
    shutil.copytree(prepared, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    names: dict[str, object] = {}
    for block in blocks(page):
        if block.rule.startswith("not run: "):
            continue
        code, where = changed(block), f"{page.name}:{block.line}"
        if block.language == "sh":
            run_commands(code, monkeypatch, where)
        elif block.language == "python" and (match := re.match(r"# (\S+/\S+\.py)\n", code)):
            Path(match[1]).parent.mkdir(parents=True, exist_ok=True)
            Path(match[1]).write_text(code)
        elif block.language == "python":
            exec(compile(code, where, "exec"), names)
        elif block.language == "toml":
            (name,) = re.findall(r"`([\w.]+\.toml)`", block.before)
            Path(name).write_text(code)
        else:
            assert page.name == "README.md" and block.language in ("text", "console"), (
                f"{where}: who runs {block.language}?"
            )


def changed(block: Block) -> str:
    """Return the code after the changes of its rule; every word that is to be changed must be there."""
    code = block.code
    for change in block.rule.split("; ") if block.rule else []:
        old, arrow, new = change.partition(" => ")
        assert arrow, f"no rule: {change}"
        assert old in code, f"{old!r} is not in the block"
        code = code.replace(old, new)
    return code


def run_commands(code: str, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("=", 1))
        elif words[0] == "python":
            done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{where}: {line}\n{done.stderr}"
        else:
            assert words[0] == "snn-deploy", f"{where}: what runs {words[0]!r}?"
            result = snn_deploy(*words[1:])
            assert result.exit_code == 0, f"{where}: {line}\n{result.output}"


def test_what_is_not_run_says_why_and_is_little():
    skipped = [(page.name, b.line, b.rule) for page in PAGES for b in blocks(page) if b.rule.startswith("not run")]
    assert len(skipped) <= 4, skipped
    assert all(len(rule) > len("not run: ") + 10 for _, _, rule in skipped)


def test_a_wrong_command_in_a_block_would_be_found(monkeypatch):
    with pytest.raises(AssertionError, match=r"page:1: snn-deploy verify"):
        run_commands("snn-deploy verify nowhere --samples 1", monkeypatch, "page:1")
    with pytest.raises(AssertionError, match="not in the block"):
        changed(Block("sh", "snn-deploy run", 1, "", "train => export"))
