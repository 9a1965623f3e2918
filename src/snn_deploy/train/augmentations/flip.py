"""Augmentation `flip`: mirrors images left to right (RMP-Loss Sec. 5.1, and everyone on CIFAR and ImageNet)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """probability: of an image to be mirrored."""

    order: ClassVar[int] = 20
    for_sequences: ClassVar[bool] = True
    probability: Annotated[float, Ge(0), Le(1)] = 0.5

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, channels, height, width), some of them mirrored."""
        is_flipped = torch.rand(len(images), generator=generator) < self.probability
        return torch.where(is_flipped[:, None, None, None], images.flip(-1), images)
