"""Every message that docs/what_it_cannot_do.md quotes is one of the program's."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/what_it_cannot_do.md").read_text(encoding="utf-8")


def test_every_message_of_its_tables_is_in_the_program():
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") >= 2]
    messages = [re.fullmatch(r"`(.+)`", cells[1]) for cells in rows]
    quoted = [found[1] for found in messages if found]
    assert len(quoted) > 12
    program = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/snn_deploy").rglob("*.py"))
    assert [message for message in quoted if message not in program] == []
    others = [cells[1] for cells, found in zip(rows, messages, strict=True) if not found]
    assert set(others) == {"message", "[all of them](lava_dl.md#what-a-net-file-can-hold)"}
