"""result: what a call of the Python API gives back: a frozen value that a person, a notebook and JSON can all read."""

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from html import escape

from snn_deploy.support.printable import one_line


@dataclass(frozen=True)
class Table:
    """Rows under titles; a cell is anything with a short str()."""

    titles: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    @property
    def is_number(self) -> tuple[bool, ...]:
        """Whether all cells of a column are numbers, which stand to the right."""
        return tuple(
            bool(self.rows) and all(_is_number(str(row[i])) for row in self.rows) for i in range(len(self.titles))
        )


Block = str | Table


class Result(ABC):
    """A value that says what it found. repr: its first line; str and _repr_html_: everything that blocks() has."""

    @abstractmethod
    def blocks(self) -> tuple[Block, ...]:
        """Return what a person should know, in reading order: lines and tables."""

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """Return everything as plain dictionaries, lists, texts and numbers, for JSON; energies in J, times in s."""

    @abstractmethod
    def headline(self) -> str:
        """Return what was found, in one short line."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({one_line(self.headline())})"

    def __str__(self) -> str:
        return "\n".join(one_line(block) if isinstance(block, str) else as_text(block) for block in self.blocks())

    def _repr_html_(self) -> str:
        """Return the blocks as HTML: what a notebook shows."""
        return "".join(_html(block) for block in self.blocks())


def as_text(table: Table, width: int = 200) -> str:
    """Return `table` as lines of text of at most `width` letters."""
    from rich import box  # noqa: PLC0415 - only what prints tables needs it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for title, is_number in zip(table.titles, table.is_number, strict=True):
        drawn.add_column(Text(title), justify="right" if is_number else "left")
    for row in table.rows:
        drawn.add_row(*(Text(one_line(str(cell))) for cell in row))  # Text: brackets in data are no markup
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    console.print(drawn)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines() if line.strip())


def _html(block: Block) -> str:
    if isinstance(block, str):
        return f"<div>{escape(block)}</div>"
    sides = ["right" if is_number else "left" for is_number in block.is_number]

    def row(cells: tuple[object, ...], tag: str) -> str:
        found = (
            f'<{tag} style="text-align:{side}">{escape(str(cell))}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )
        return f"<tr>{''.join(found)}</tr>"

    body = "".join(row(cells, "td") for cells in block.rows)
    return f"<table><thead>{row(block.titles, 'th')}</thead><tbody>{body}</tbody></table>"


def _is_number(text: str) -> bool:
    return bool(text) and all(letter in "0123456789.,+-%e " for letter in text)
