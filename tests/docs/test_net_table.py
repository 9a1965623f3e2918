"""The table of what a .net file can hold says what happens today.

That lava-dl runs what is written as the reference does is shown on random networks of all of it in
tests/deploy/backends/test_netx.py; here only files that are no network of ours are given to lava-dl.
"""

from pathlib import Path

import pytest
from helpers.lava_help import needs_lava

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def net_table(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import net_table  # noqa: PLC0415 - docs/net_table.py

    return net_table


def shown_cells(net_table):
    """Return construct -> (written, read, lava-dl's own reader) of the page."""
    lines = net_table.shown((DOCS / "lava_dl.md").read_text(encoding="utf-8")).splitlines()[2:]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return {construct: tuple(outcome) for construct, *outcome in cells}


def test_the_page_says_of_every_construct_whether_it_is_written_and_read(net_table, tmp_path):
    shown = shown_cells(net_table)
    rows = net_table.rows()
    assert list(shown) == [row.construct for row in rows]
    for row in rows:
        if not row.file:
            assert net_table.outcome(row, tmp_path, with_lava=False) == shown[row.construct][:2], row.construct


def test_what_is_written_is_read_back_and_run_by_lava_dl(net_table):
    written = [outcome for outcome in shown_cells(net_table).values() if outcome[0] == "yes"]
    assert len(written) > 10
    assert set(written) == {("yes", "the same network", "every spike the same")}


@needs_lava
def test_the_page_says_what_lava_dl_makes_of_its_own_files(net_table, tmp_path):
    shown = shown_cells(net_table)
    rows = [row for row in net_table.rows() if row.file]
    assert rows
    for row in rows:
        assert net_table.outcome(row, tmp_path) == shown[row.construct], row.construct
