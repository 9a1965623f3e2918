"""Augmentation `roll`: moves images by a few pixels, what leaves on one side comes in on the other.

Dspike (Li et al., NeurIPS 2021), on CIFAR10-DVS: at most 5 pixels each way.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from snn_deploy.train.data.augmentation import gather_pixels, random_integers


@dataclass(frozen=True)
class Augmentation:
    """pixels: the most that an image moves along each axis."""

    order: ClassVar[int] = 15
    for_sequences: ClassVar[bool] = True
    pixels: Annotated[int, Ge(0)] = 5

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, channels, height, width), each moved on its own."""
        batch, _, height, width = images.shape
        down, right = (random_integers(batch, -self.pixels, self.pixels + 1, generator) for _ in range(2))
        rows = (torch.arange(height) - down[:, None]) % height
        columns = (torch.arange(width) - right[:, None]) % width
        return gather_pixels(images, rows, columns)
