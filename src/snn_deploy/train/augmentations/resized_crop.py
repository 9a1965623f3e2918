"""Augmentation `resized_crop`: a random part of each image, stretched to its size (Szegedy et al. 2015; ImageNet).

The area and the ratio of the sides are drawn as torchvision's RandomResizedCrop draws them. The part is taken from the
image as it was loaded, not from the larger file.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Le
from torch import Tensor
from torch.nn import functional

_ATTEMPTS = 10  # as torchvision
_LARGEST_RATIO = 4 / 3


@dataclass(frozen=True)
class Augmentation:
    """least_area: the smallest share of the image that is kept."""

    order: ClassVar[int] = 10
    least_area: Annotated[float, Gt(0), Le(1)] = 0.08

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, channels, height, width), each of a part of its own."""
        size = (images.shape[2], images.shape[3])
        parts = []
        for image in images:
            top, left, height, width = self._part(*size, generator)
            part = image[None, :, top : top + height, left : left + width].float()
            stretched = functional.interpolate(part, size, mode="bilinear", antialias=True, align_corners=False)
            parts.append(stretched[0].round().clamp(0, 255).to(torch.uint8))
        return torch.stack(parts)

    def _part(self, height: int, width: int, generator: torch.Generator) -> tuple[int, int, int, int]:
        """Return top, left, height and width of a part."""
        log_ratio = math.log(_LARGEST_RATIO)
        for _ in range(_ATTEMPTS):
            share, position = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
            area = height * width * (self.least_area + (1 - self.least_area) * share)
            ratio = math.exp((2 * position - 1) * log_ratio)
            wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < wide <= width and 0 < high <= height:
                top, left = (
                    int(torch.randint(n, (), generator=generator)) for n in (height - high + 1, width - wide + 1)
                )
                return top, left, high, wide
        return 0, 0, height, width
