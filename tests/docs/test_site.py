"""The documentation site: built with warnings as errors, complete, and without a word to any host."""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from helpers.browser import needs_chromium, opened

from snn_deploy.cli import main as cli
from snn_deploy.cli.pages import TOPICS, topics
from snn_deploy.support.plugin import load_plugin, plugin_names
from snn_deploy.train.config import train_config as config

ROOT = Path(__file__).parents[2]
VERBS = sorted(cli._VERBS)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "repository/docs", ignore=shutil.ignore_patterns("_build"))
    for name in ("src", "examples", "README.md", "CHANGELOG.md"):
        (folder / "repository" / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(folder / "html")]
    offline = dict(os.environ) | {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(command, cwd=folder / "repository", env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_it_builds_without_a_warning_and_has_every_page(site):
    pages = {p.stem for p in (ROOT / "docs").glob("*.md")}
    assert pages <= {p.stem for p in site.glob("*.html")}
    index = (site / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{page}.html"' in index for page in pages - {"index"})
    for report in re.findall(r'<a href="(gallery/[^"]*)"', (ROOT / "docs/gallery.md").read_text(encoding="utf-8")):
        assert (site / report).exists()


def test_no_page_asks_another_host_for_a_script_a_font_or_a_picture(site):
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//[^"]*"', text) == []
        assert re.findall(r'<link[^>]*rel="(?:stylesheet|preload|icon)"[^>]*href="(?:https?:)?//[^"]*"', text) == []
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//|@import\s+['\"]?(?:https?:)?//", style.read_text())


def test_every_key_of_every_choice_is_on_the_page_of_keys(site):
    text = re.sub(r"<[^>]+>", "", (site / "config_keys.html").read_text(encoding="utf-8"))
    for section, found in {**config.CHOICES, **config.COLLECTIONS}.items():
        for name in plugin_names(found.package):
            options = getattr(load_plugin(found.package, name), found.class_name)
            assert name in text
            for field in dataclasses.fields(options):
                assert field.name in text, f"{section}.{name}.{field.name}"
    for options in config.SETTINGS.values():
        assert all(field.name in text for field in dataclasses.fields(options))


def test_the_page_of_keys_in_the_repository_is_that_of_the_program(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import config_keys  # noqa: PLC0415 - docs/config_keys.py

    found = (ROOT / "docs/config_keys.md").read_text(encoding="utf-8")
    assert found == config_keys.markdown(), "run make docs"


def test_every_verb_and_option_is_on_the_page_of_verbs(site):
    text = re.sub(r"<[^>]+>", "", (site / "verbs.html").read_text(encoding="utf-8"))
    context = click.Context(cli.main)
    for verb in VERBS:
        command = cli.main.get_command(context, verb)
        assert command is not None
        for option in command.params:
            assert isinstance(option, click.Argument) or option.opts[-1] in text, f"{verb} {option.opts}"


def test_every_public_name_and_every_result_has_an_entry_in_the_reference(site, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import api_names  # noqa: PLC0415 - docs/api_names.py

    text = (site / "api_reference.html").read_text(encoding="utf-8")
    assert {"LIF", "export", "train", "verify"} <= set(api_names.public_names())
    assert "ExportResult" in {result.__name__ for result in api_names.results()}
    for name in api_names.public_names():
        assert f'id="snn_deploy.{name}"' in text, name
    for result in api_names.results():
        assert f'id="{result.__module__}.{result.__qualname__}"' in text, result


def test_a_docstring_is_prose_for_the_site_as_well(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import api_names  # noqa: PLC0415 - docs/api_names.py

    lines = ["a *b* of `c_ * d`", "|e| _f_"]
    api_names.plain(None, "function", "x", None, None, lines)
    assert lines == [r"a \*b\* of ``c_ * d``", r"\|e\| _f\_"]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_an_example_that_is_right(verb):
    command = cli.main.get_command(click.Context(cli.main), verb)
    assert command is not None
    text = (command.help or "").replace("\\\n", " ")
    examples = re.findall(rf"snn-deploy {verb}\b(?: (.*?))?(?:   .*)?$", text, flags=re.MULTILINE)
    assert examples, f"no example in snn-deploy {verb} --help"
    for example in examples:
        command.make_context(verb, shlex.split(example))  # an unknown option raises


def test_every_paper_row_names_a_file_that_names_the_paper():
    rows = re.findall(r"^\|(.*?)\|(.*?)\| `([\w/.]+)` \|$", (ROOT / "docs/papers.md").read_text(), flags=re.MULTILINE)
    assert len(rows) >= 15
    for _, equations, file in rows:
        text = (ROOT / "src/snn_deploy" / file).read_text(encoding="utf-8")
        missing = _equations(equations) - _equations(text)
        assert not missing, f"{file} does not name {sorted(missing)} of {equations}"
        assert all(section in text for section in re.findall(r"Sec\. [\d.]*\d", equations)), f"{file}: {equations}"
        assert _equations(equations) or "Sec." in equations


def _equations(text: str) -> set[int]:
    """Return the numbers in "Eq. 3-5, 16-17", "Equation 11" or "equations 8-10"."""
    found: set[int] = set()
    for numbers in re.findall(r"(?:Eq\.|[Ee]quations?)\s+(\d+(?:(?:-|, | and )\d+)*)", text):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", numbers):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_the_numbers_of_equations_are_read_as_they_are_written():
    assert _equations("Eq. 3-5, 16-17, Algorithm 1; 30 units") == {3, 4, 5, 16, 17}
    assert _equations("Equation 8-10: q; equation 12: weight 2022") == {8, 9, 10, 12}


def test_pages_that_errors_point_to_exist():
    assert set(TOPICS) <= set(VERBS)
    assert set(TOPICS.values()) <= set(topics())


@needs_chromium
@pytest.mark.parametrize("page", ["index", "first_deployment", "verbs"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_a_word_on_its_console(site, tmp_path, page, width):
    built, console = opened(site / f"{page}.html", width, tmp_path)
    assert "<h1>" in built
    assert console == []


@needs_chromium
def test_the_search_finds_a_page_without_a_host(site, tmp_path):
    built, console = opened(site / "search.html", 800, tmp_path, "?q=saturates")
    assert "matching the search query" in built
    assert 'href="exactness.html"' in built
    assert console == []
