"""short_name: a network in one line, for people."""

from collections.abc import Sequence
from typing import Protocol

_SHOWN = 6  # populations


class Shaped(Protocol):
    """An input or a population."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""


def short_name(kind: str, source: Shaped, populations: Sequence[Shaped], weights: int, steps: int) -> str:
    """Return "IntegerNetwork(input 1x8x8, conv1 4x8x8, output 10; 2,000 weights, 3 steps)"."""
    nodes = [source, *populations]
    if len(nodes) > _SHOWN:
        left_out = len(nodes) - _SHOWN
        shown = [*map(_node, nodes[: _SHOWN - 1]), f"{left_out} more", _node(nodes[-1])]
    else:
        shown = list(map(_node, nodes))
    return f"{kind}({', '.join(shown)}; {weights:,} weights, {steps} step{'' if steps == 1 else 's'})"


def _node(node: Shaped) -> str:
    return f"{node.name} {'x'.join(map(str, node.shape))}"
