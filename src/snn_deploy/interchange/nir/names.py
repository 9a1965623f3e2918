"""names: names of NIR nodes as names of populations and connections."""

from collections.abc import Iterable


def legal_names(names: Iterable[str]) -> dict[str, str]:
    """Return name -> a legal name for it, unique among them: letters, digits, '_', '-' and '.'."""
    taken: dict[str, str] = {}
    for name in names:
        legal = "".join(c if c.isalnum() or c in "_-." else "_" for c in name) or "node"
        taken[name] = unique(legal, taken.values())
    return taken


def plain_name(name: str) -> str:
    """Return a name that NIR files and PyTorch modules can hold: letters, digits and '_'."""
    return "".join(c if c.isalnum() else "_" for c in name)


def unique(name: str, taken: Iterable[str]) -> str:
    """Return `name`, with a number behind it where it is taken."""
    used, number, result = set(taken), 1, name
    while result in used:
        number += 1
        result = f"{name}.{number}"
    return result
