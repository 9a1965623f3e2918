"""docs/verbs.md says how many samples each verb takes where nothing is said: as the options do."""

import re
from pathlib import Path

import click
import pytest

from snn_deploy.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs/verbs.md").read_text(encoding="utf-8")
ROWS = dict(
    re.findall(r"^\| ([a-z, ]+) \| (.*?) \| .*? \|$", PAGE.partition("## How many samples")[2], flags=re.MULTILINE)
)
SAID = {name: said for names, said in ROWS.items() for name in names.split(", ")}


def _default(verb):
    command = main.get_command(click.Context(main), verb)
    return next((p.default for p in command.params if "--samples" in p.opts), "no option")


@pytest.mark.parametrize(
    "verb", [name for name in main.list_commands(click.Context(main)) if _default(name) != "no option"]
)
def test_the_page_says_the_default_of(verb):
    number = _default(verb)
    if not isinstance(number, int):
        assert SAID[verb].startswith(("none", "at most 1,000"))
    elif number == 0:
        assert SAID[verb].startswith("all ")
    else:
        assert f"{number:,} " in SAID[verb]
