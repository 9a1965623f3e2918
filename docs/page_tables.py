"""page_tables: the part of a page that a script writes, between two comments that name the script."""

import sys
from pathlib import Path

_END = "<!-- end of tables -->"


def write_or_check(page: Path, script: str, found: str) -> None:
    """Put `found` between the comments of `script` in a page; with --check, exit with 1 where it is not there."""
    text, begin = page.read_text(encoding="utf-8"), f"<!-- tables: {script} writes them -->\n"
    start, end = text.index(begin) + len(begin), text.index(_END)
    if "--check" in sys.argv:
        sys.exit(text[start:end] != found)
    page.write_text(text[:start] + found + text[end:], encoding="utf-8")
