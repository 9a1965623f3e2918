"""house_picture: the picture of the package in docs/architecture.md, made from the imports.

    python docs/house_picture.py            writes docs/house.svg
    python docs/house_picture.py --check    exit code 1 where docs/house.svg shows something else

Floors are rows, the highest at the top; a room is a box with the names of its subfolders. An arrow is an import of one
room by another, left out where other arrows lead there already (the transitive reduction). The floors are those that
tests/test_import_direction.py enforces, and the imports are found by its functions.
"""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/house.svg"
sys.path.insert(0, str(ROOT / "tests"))

from test_import_direction import FLOORS, file_graph, room  # noqa: E402 - tests/test_import_direction.py
from test_import_direction import ROOT as PACKAGE  # noqa: E402

# In pixels.
_WIDTH, _BOX, _LANE, _GAP, _BETWEEN_ROWS, _MARGIN = 860, 330, 20, 50, 46, 20
_TITLE, _LINE, _PADDING = 18, 15, 9
_CHARACTERS = 50  # of the small text, in a line of a box

Graph = Mapping[str, set[str]]
Slot = str | tuple[str, str]  # a room, or the lane of an arrow (from, to) that passes a floor


def room_graph() -> dict[str, set[str]]:
    """Return room -> the rooms whose files its files import; only rooms that hold a Python file."""
    graph: dict[str, set[str]] = {}
    for module, needs in file_graph().items():
        if "." in module:
            graph.setdefault(room(module), set()).update(room(need) for need in needs if room(need) != room(module))
    return graph


def direct(graph: Graph) -> list[tuple[str, str]]:
    """Return the edges of `graph` that no longer path replaces, sorted. `graph` has no circle."""

    def reached(start: str) -> set[str]:
        return graph[start].union(*(reached(n) for n in graph[start])) if graph[start] else set()

    return sorted((a, b) for a, needs in graph.items() for b in needs if not any(b in reached(c) for c in needs))


def subfolders(name: str) -> list[str]:
    """Return the public folders of a room that hold Python files, sorted."""
    return sorted(p.parent.name for p in (PACKAGE / name).glob("*/__init__.py") if not p.parent.name.startswith("_"))


def slots(floors: Sequence[Sequence[str]], edges: Sequence[tuple[str, str]]) -> list[list[Slot]]:
    """Return the rows from the top down: rooms, and a lane for each edge that passes, each below what points to it."""
    level = {name: i for i, names in enumerate(floors) for name in names}
    rows: list[list[Slot]] = []
    above: dict[Slot, float] = {}
    for i in reversed(range(len(floors))):
        lanes: list[Slot] = [(a, b) for a, b in edges if level[b] < i < level[a]]
        row: list[Slot] = [*floors[i], *lanes]
        hung: dict[Slot, float] = {slot: _mean(_hangs_on(slot, edges, above)) for slot in row}
        row.sort(key=lambda slot: (hung[slot], str(slot)))
        rows.append(row)
        above |= {slot: x for slot, (x, _) in _places(row).items()}
    return rows


def svg() -> str:
    """Return the picture as SVG text, the same for the same imports."""
    graph = room_graph()
    floors = [[name for name in names if name in graph] for names in FLOORS]
    floors = [names for names in floors if names]
    edges = direct(graph)
    top, boxes, lanes, shapes = _MARGIN, {}, {}, []
    for row in slots(floors, edges):
        text = {s: textwrap.wrap(", ".join(subfolders(s)), _CHARACTERS) for s in row if isinstance(s, str)}
        height = 2 * _PADDING + _TITLE + _LINE * max(len(lines) for lines in text.values())
        for slot, (x, _) in _places(row).items():
            if isinstance(slot, str):
                boxes[slot] = (x, top, height)
                shapes += _box(slot, text[slot], x, top, height)
            else:
                lanes.setdefault(slot, []).append((x, top, top + height))
        top += height + _BETWEEN_ROWS
    paths = [_arrow(points) for points in _routes(edges, boxes, lanes)]
    height = top - _BETWEEN_ROWS + _MARGIN
    return "\n".join([*_head(height), *paths, *shapes, "</svg>", ""])


def _hangs_on(slot: Slot, edges: Sequence[tuple[str, str]], above: Mapping[Slot, float]) -> Iterator[float]:
    """Yield where the slots above lie that send an arrow into this one."""
    into = [slot] if isinstance(slot, tuple) else [edge for edge in edges if edge[1] == slot]
    for edge in into:
        yield above.get(edge, above.get(edge[0], _WIDTH / 2))  # the arrow's own lane, or the room that it leaves


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else _WIDTH / 2


def _places(row: Sequence[Slot]) -> dict[Slot, tuple[float, float]]:
    """Return slot -> its middle and its width; the row stands in the middle of the picture."""
    widths = [_BOX if isinstance(slot, str) else _LANE for slot in row]
    left = (_WIDTH - sum(widths) - _GAP * (len(row) - 1)) / 2
    places = {}
    for slot, width in zip(row, widths, strict=True):
        places[slot] = (left + width / 2, float(width))
        left += width + _GAP
    return places


def _routes(
    edges: Sequence[tuple[str, str]],
    boxes: Mapping[str, tuple[float, float, float]],
    lanes: Mapping[tuple[str, str], list[tuple[float, float, float]]],
) -> Iterator[list[tuple[float, float]]]:
    """Yield for each edge the points that its arrow passes; arrows at one box stand side by side."""
    for a, b in edges:
        passed = lanes.get((a, b), [])
        points = [(x, y) for x, top, bottom in passed for y in (top, bottom)]
        leaving = sorted((lanes[e][0][0] if e in lanes else boxes[e[1]][0], e) for e in edges if e[0] == a)
        arriving = sorted((lanes[e][-1][0] if e in lanes else boxes[e[0]][0], e) for e in edges if e[1] == b)
        start = _beside(boxes[a][0], [e for _, e in leaving].index((a, b)), len(leaving))
        end = _beside(boxes[b][0], [e for _, e in arriving].index((a, b)), len(arriving))
        yield [(start, boxes[a][1] + boxes[a][2]), *points, (end, boxes[b][1])]


def _beside(middle: float, index: int, count: int) -> float:
    return middle + (index - (count - 1) / 2) * 40


def _arrow(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    steps = [f"M {x:g} {y:g}"]
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        steps.append(f"C {x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return f'<path d="{" ".join(steps)}" fill="none" stroke="#555555" stroke-width="1.5" marker-end="url(#head)"/>'


def _box(name: str, lines: Sequence[str], x: float, top: float, height: float) -> list[str]:
    shape = f'<rect x="{x - _BOX / 2:g}" y="{top:g}" width="{_BOX}" height="{height:g}" rx="6" fill="#eef3fa" '
    shape += 'stroke="#33557f"/>'
    title = f'<text x="{x:g}" y="{top + _PADDING + 13:g}" font-size="15" font-weight="bold">{name}</text>'
    small = [
        f'<text x="{x:g}" y="{top + _PADDING + _TITLE + 12 + _LINE * i:g}" font-size="12">{line}</text>'
        for i, line in enumerate(lines)
    ]
    return [shape, title, *small]


def _head(height: float) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" '
        f'height="{height:g}" font-family="sans-serif" text-anchor="middle" fill="#1a1a1a" role="img">',
        "<title>The folders of snn_deploy, floor by floor, and the imports between them</title>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M 0 0 L 10 5 L 0 10 z" fill="#555555"/></marker></defs>',
        f'<rect width="{_WIDTH}" height="{height:g}" fill="#ffffff"/>',
    ]


def main() -> int:
    """Write or check docs/house.svg."""
    text = svg()
    if "--check" in sys.argv:
        return int(not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != text)
    PICTURE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
