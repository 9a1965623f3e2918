"""What a maker of random modules gives back."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Made:
    """A module, what it takes (see RandomModule), and in words how it is written."""

    module: nn.Module
    time: str
    description: str
    batch: int | None = None
