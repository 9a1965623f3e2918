"""Augmentation `cutout`: blackens one square of each image (DeVries and Taylor 2017).

The centre is anywhere in the image, so the square may stand over the edge. A black pixel is an input of zero, which
brings no current; the paper fills with the mean, which is zero there because its images are centred.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from snn_deploy.train.data.augmentation import random_integers


@dataclass(frozen=True)
class Augmentation:
    """size: of the square in pixels; the paper takes 16 for CIFAR-10 and 8 for CIFAR-100."""

    order: ClassVar[int] = 40
    size: Annotated[int, Ge(1)] = 16

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, channels, height, width) with a hole in each."""
        batch, _, height, width = images.shape
        rows = self._hole(height, random_integers(batch, 0, height, generator))
        columns = self._hole(width, random_integers(batch, 0, width, generator))
        return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)

    def _hole(self, length: int, centres: Tensor) -> Tensor:
        """Return which positions along one axis the hole covers, (batch, length)."""
        first = (centres - self.size // 2)[:, None]
        position = torch.arange(length)
        return (position >= first) & (position < first + self.size)
