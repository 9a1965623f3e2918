"""Every file and folder of the repository that a page names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_ROOTS = (ROOT, ROOT / "src/snn_deploy", ROOT / "docs")
_NAMED = re.compile(r"`([\w-]+(?:/[\w-]+)*(?:/|\.py))`|\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def named(text: str) -> set[str]:
    """Return the paths in `backticks` that end in .py or /, and the targets of links within the repository."""
    return {code or link for code, link in _NAMED.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))} - {""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_is_there(page):
    names = named(page.read_text(encoding="utf-8"))
    missing = [n for n in names if not any((root / n).exists() for root in (page.parent, *_ROOTS))]
    # A name without a folder may lie anywhere in the package.
    assert not [n for n in missing if "/" in n or not list((ROOT / "src").rglob(n))]


def test_paths_are_found_in_backticks_and_in_links():
    assert named("`rounding/fit.py` [x](energy.md#top) [y](https://z) `search/` `--set`") == {
        "rounding/fit.py",
        "energy.md",
        "search/",
    }
