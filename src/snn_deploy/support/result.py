"""result: what a call of the Python API gives back: a frozen value that a person, a notebook and JSON can all read."""

import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from snn_deploy.support.printable import one_line


@dataclass(frozen=True)
class Table:
    """Rows under titles; a cell is anything with a short str().

    is_asked_for: whether every row was asked for, so that a terminal shows all of them, however many there are.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    is_asked_for: bool = False

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


def shortened(table: Table) -> tuple[Table, str]:
    """Return `table` for a screen, and a line that says what is left out; the table itself and "" where nothing is.

    Layers stand in their order: the first ones and the last, with the output among them, are shown.
    """
    rows = table.rows
    left_out = len(rows) - _FIRST_ROWS - _LAST_ROWS
    if table.is_asked_for or len(rows) <= _LONG:
        return table, ""
    between = ("...",) * len(table.titles)
    shown = replace(table, rows=(*rows[:_FIRST_ROWS], between, *rows[-_LAST_ROWS:]))
    return shown, f"  {left_out:,} of {len(rows):,} rows are left out; --json, a pipe and a file have them all"


def as_text(table: Table, width: int | None = None) -> str:
    """Return `table` as lines of text of at most `width` letters; no number and no name in it is cut or broken.

    Where it is wider, texts are broken between words, then the columns come closer. Where that is not enough, the
    columns that are left stand below, beside the first one again. width: None is none: files and pipes, in which only
    sentences are broken.
    """
    columns = [_Column.of(title, [row[i] for row in table.rows]) for i, title in enumerate(table.titles)]
    if width is None:
        columns = [replace(c, natural=max(c.least, _BROKEN)) if c.natural > _SENTENCE else c for c in columns]
        return _drawn(columns, sum(c.natural + 3 for c in columns), 3)
    for gap in (3, 2):
        if sum(c.least + gap for c in columns) - gap <= width - _EDGES:
            return _drawn(columns, width - _EDGES, gap)
    parts: list[list[_Column]] = [columns[:1]]
    for column in columns[1:]:
        if len(parts[-1]) > 1 and sum(c.least + 2 for c in (*parts[-1], column)) - 2 > width - _EDGES:
            parts.append(columns[:1])
        parts[-1].append(column)
    return "\n".join(_drawn(part, width - _EDGES, 2) for part in parts)


_LONG, _FIRST_ROWS, _LAST_ROWS = 50, 30, 10  # rows: more than _LONG are no table for a screen
_EDGES = 2  # letters that stand beside the columns
_SENTENCE, _BROKEN = 60, 38  # letters: a longer text is a sentence, and becomes so wide where the width is not limited
_LONGEST_WORD = 24  # letters of a text's word that stay together, where there are other columns; longer ones are rare


@dataclass(frozen=True)
class _Column:
    """A column as it is drawn. least: how many letters it may become, natural: how many it is, at the most."""

    title: str
    cells: tuple[str, ...]
    is_number: bool
    least: int
    natural: int

    @classmethod
    def of(cls, title: str, values: Sequence[object]) -> "_Column":
        cells = tuple(one_line(str(value)) for value in values)
        is_number = bool(cells) and all(map(_is_number, cells))
        words = [len(word) for text in (title, *(() if is_number else cells)) for word in text.split()]
        whole = [len(cell) for cell in cells] if is_number or all(" " not in cell for cell in cells) else []
        least = max([*whole, *(min(word, _LONGEST_WORD) for word in words)], default=0)
        return cls(title, cells, is_number, least, max(len(title), *map(len, cells), 0))


def _drawn(columns: Sequence[_Column], width: int, gap: int) -> str:
    """Return the columns in lines of `width` letters, `gap` letters apart."""
    from rich import box  # noqa: PLC0415 - only what prints tables needs it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, gap - 2))
    for column, letters in zip(columns, _widths(columns, width, gap), strict=True):
        drawn.add_column(
            Text(column.title), justify="right" if column.is_number else "left", width=letters, overflow="fold"
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        drawn.add_row(*map(Text, row))  # Text: brackets in data are no markup
    console = Console(file=io.StringIO(), width=width + _EDGES, highlight=False, color_system=None)
    console.print(drawn)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines() if line.strip())


def _widths(columns: Sequence[_Column], width: int, gap: int) -> list[int]:
    """Return the letters of each column: what it has, the widest made narrower until all of them fit."""
    widths = [column.natural for column in columns]
    while sum(widths) + gap * (len(widths) - 1) > width:
        spare = [found if found > column.least else 0 for found, column in zip(widths, columns, strict=True)]
        if not any(spare):
            break
        widths[spare.index(max(spare))] -= 1
    return widths


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
    return bool(text) and all(letter in "0123456789.,+-±%e " for letter in text)
