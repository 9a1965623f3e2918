"""docs/silicon.md is what benchmarks/silicon.py finds, and the networks in it do what those who measured them say."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "silicon"


@pytest.fixture(scope="module")
def silicon():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("silicon")
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def pilotnet(silicon):
    if not (DATA / "pilotnet_lif").is_dir():
        pytest.skip(f"{DATA}/pilotnet_lif is not there: lava-dl's network and its traces")
    return silicon.pilotnet_found(DATA / "pilotnet_lif")


def test_every_published_row_has_its_source_and_is_rebuilt_or_says_why_not(silicon):
    rows = silicon.measured_rows()["row"]
    assert rows
    for row in rows:
        assert row["source"] and row["read"] in ("primary", "second hand")
        assert ("rebuilt" in row) != ("why_not" in row)


def test_pilotnet_does_what_its_traces_say(pilotnet):
    assert [a.layer for a in pilotnet.agreements if not a.compared] == []
    assert [(a.layer, a.differing) for a in pilotnet.agreements if a.differing] == []


def test_the_page_is_what_the_benchmark_writes(silicon, pilotnet):
    written = (ROOT / "docs/silicon.md").read_text(encoding="utf-8")
    assert written == "\n".join(silicon.lines(silicon.measured_rows(), pilotnet)) + "\n"
