"""The code blocks of README.md and docs/, and how a page's are run, in the order of the page.

A comment before a block makes it smaller, or says why it does not run:
<!-- test: WORDS => OTHER WORDS; ... -->      the block runs with these words changed
<!-- test: not run: REASON -->
A Python block whose first line is a path is written to that file. A TOML block is saved under the name in the paragraph
before it. Output (text, console) is compared by test_readme.py.
"""

import re
import runpy
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.cli_help import snn_deploy
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_RULE = re.compile(r"<!-- test: (.*?) -->", flags=re.DOTALL)


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
# Pages whose tests are files of their own, so that none takes a minute. Those that train need nothing made before.
OF_LAVA = "lava.md"
OF_TRAINING = ("bias_free_training.md", "best_deployment.md", "early_exits.md", "fit.md", "papers.md", "time_based.md")


def prepare(folder: Path) -> None:
    """Put what every page takes as given into `folder`: the examples and the benchmarks."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "benchmarks").symlink_to(ROOT / "benchmarks")


def run_page(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the blocks of a page in the working folder, one after the other."""
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
            run_script(words[1:], monkeypatch, f"{where}: {line}")
        else:
            assert words[0] == "snn-deploy", f"{where}: what runs {words[0]!r}?"
            result = snn_deploy(*words[1:])
            assert result.exit_code == 0, f"{where}: {line}\n{result.output}"


def run_script(words: list[str], monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Run a script and its arguments as `python` would, in this process: a new one takes seconds to load torch."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.syspath_prepend(str(Path(words[0]).parent.resolve()))
        try:
            runpy.run_path(words[0], run_name="__main__")
        except SystemExit as end:
            assert not end.code, f"{where}\n{end.code}"
