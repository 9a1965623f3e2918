"""docs/frameworks.md shows what from_torch takes now."""

import re

import pytest
from helpers.script import ROOT, script


def test_the_tables_of_the_page_are_those_that_the_script_finds():
    for framework in ("snntorch", "spikingjelly", "norse", "sinabs"):
        pytest.importorskip(framework, reason=f"{framework} is not installed (the group frameworks has it)")
    # How many spikes random weights make may differ between versions of torch; what is taken may not.
    assert _outcomes(script("docs/frameworks_table.py").tables()) == _outcomes(
        (ROOT / "docs/frameworks.md").read_text(encoding="utf-8")
    )


def _outcomes(text: str) -> list[str]:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 40
    return [re.sub(r"[\d,]+ spikes", "spikes", row) for row in rows]
