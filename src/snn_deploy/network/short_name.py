"""short_name: a network in one line, for people."""

from collections.abc import Sequence
from typing import Protocol

from snn_deploy.support.counted import counted

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
    return f"{kind}({layers_in_words(source, populations)}; {counted(weights, 'weight')}, {counted(steps, 'step')})"


def layers_in_words(source: Shaped, populations: Sequence[Shaped]) -> str:
    """Return "input 1x8x8, conv1 4x8x8, output 10"; of many layers the first ones and the last."""
    nodes = [source, *populations]
    if len(nodes) <= _SHOWN:
        return ", ".join(map(_node, nodes))
    return ", ".join([*map(_node, nodes[: _SHOWN - 1]), f"{len(nodes) - _SHOWN} more", _node(nodes[-1])])


def _node(node: Shaped) -> str:
    return f"{node.name} {'x'.join(map(str, node.shape))}"
