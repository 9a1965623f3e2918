"""Augmentation `crop`: pads images with black and cuts the original size out at random (He et al. 2016, Sec. 4.2)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional

from snn_deploy.train.data.augmentation import gather_pixels, random_integers


@dataclass(frozen=True)
class Augmentation:
    """padding: pixels on each side, so that the image moves by at most that many."""

    order: ClassVar[int] = 10
    for_sequences: ClassVar[bool] = True
    padding: Annotated[int, Ge(0)] = 4

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, channels, height, width), each moved on its own."""
        batch, _, height, width = images.shape
        choices = 2 * self.padding + 1
        top, left = (random_integers(batch, 0, choices, generator) for _ in range(2))
        padded = functional.pad(images, (self.padding,) * 4)
        return gather_pixels(padded, top[:, None] + torch.arange(height), left[:, None] + torch.arange(width))
