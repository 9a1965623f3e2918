"""docs/house.svg is drawn from the imports, and docs/architecture.md names every room."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def house_picture(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import house_picture  # noqa: PLC0415 - docs/house_picture.py

    return house_picture


def test_the_picture_in_the_repository_is_what_the_script_draws_today():
    done = subprocess.run([sys.executable, str(DOCS / "house_picture.py"), "--check"], check=False)
    assert done.returncode == 0, "run python docs/house_picture.py"


def test_it_has_a_box_for_every_room_and_an_arrow_for_every_direct_import(house_picture):
    root = ElementTree.fromstring(house_picture.svg())
    space = "{http://www.w3.org/2000/svg}"
    graph = house_picture.room_graph()
    assert {e.text for e in root.iter(f"{space}text") if e.get("font-weight")} == set(graph)
    arrows = [e for e in root.iter(f"{space}path") if e.get("marker-end")]
    assert len(arrows) == len(house_picture.direct(graph))


def test_an_import_that_others_imply_is_left_out(house_picture):
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": set(), "d": set()}
    assert house_picture.direct(graph) == [("a", "b"), ("a", "d"), ("b", "c")]


def test_an_arrow_that_passes_a_floor_gets_a_lane_there(house_picture):
    rows = house_picture.slots([["c"], ["b"], ["a"]], [("a", "b"), ("a", "c")])
    assert [set(row) for row in rows] == [{"a"}, {"b", ("a", "c")}, {"c"}]


def test_the_page_says_what_every_room_is_for(house_picture):
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("| folder |")[2].partition("\n\n")[0]
    named = {
        name for row in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert set(house_picture.room_graph()) <= named
