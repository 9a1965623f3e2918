"""docs/frameworks.md shows what from_torch takes now."""

import importlib.util
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "frameworks.md"


def test_the_tables_of_the_page_are_those_that_the_script_finds():
    for framework in ("snntorch", "spikingjelly", "norse", "sinabs"):
        pytest.importorskip(framework, reason=f"{framework} is not installed (the group frameworks has it)")
    spec = importlib.util.spec_from_file_location("frameworks_table", PAGE.with_name("frameworks_table.py"))
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    # How many spikes random weights make may differ between versions of torch; what is taken may not.
    assert _outcomes(script.tables()) == _outcomes(PAGE.read_text(encoding="utf-8"))


def _outcomes(text: str) -> list[str]:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 40
    return [re.sub(r"[\d,]+ spikes", "spikes", row) for row in rows]
