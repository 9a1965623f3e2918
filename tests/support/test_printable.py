"""Text out of files stays on its line, and a terminal only shows it."""

import pytest

from snn_deploy.support.printable import one_line
from snn_deploy.support.result import Table, as_text
from snn_deploy.support.user_error import UserError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("conv1 — größer ≤ 5 µJ ✓", "conv1 — größer ≤ 5 µJ ✓"),
        ("a\nError: all fine", "a\\nError: all fine"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J\r\x7f\t", "\\x9b2J\\r\\x7f\\t"),
        ("\u202egnp.exe\u2028", "\\u202egnp.exe\\u2028"),
        ("name\udcff", "name\\udcff"),  # of a path that is no UTF-8
    ],
)
def test_what_is_no_visible_character_is_written_as_its_escape(text, shown):
    assert one_line(text) == one_line(one_line(text)) == shown
    assert str(UserError(f"file: {text}.")) == f"file: {shown}."


def test_a_cell_of_a_table_is_one_line_and_no_markup():
    assert as_text(Table(("a", "b"), (("[/foo]", "x\ny"),))).splitlines()[-1].split() == ["[/foo]", "x\\ny"]
