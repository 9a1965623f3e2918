"""Augmentation `roll`: moves images by a few pixels, what leaves on one side comes in on the other.

TB Appendix and others on event data: at most 5 pixels each way.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from snn_deploy.train.augmentation import drawn


@dataclass(frozen=True)
class Augmentation:
    """pixels: the most that an image moves along each axis."""

    place: ClassVar[int] = 15
    for_sequences: ClassVar[bool] = True
    pixels: Annotated[int, Ge(0)] = 5

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, channels, height, width), each moved on its own."""
        batch, _, height, width = images.shape
        down, right = (drawn(batch, -self.pixels, self.pixels + 1, generator) for _ in range(2))
        rows = ((torch.arange(height) - down[:, None]) % height)[:, :, None]
        columns = ((torch.arange(width) - right[:, None]) % width)[:, None, :]
        samples = torch.arange(batch)[:, None, None]
        return images[samples, :, rows, columns].permute(0, 3, 1, 2).contiguous()
