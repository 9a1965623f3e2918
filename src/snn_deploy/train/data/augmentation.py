"""augmentation: training images changed at random, as uint8, before they become floats.

An augmentation is a plug-in of train/augmentations/: a frozen dataclass `Augmentation` of options with a class
constant `order` and a call (images, generator) -> images of the same shape and type. Those of lower `order` come
first: geometry before colour, and holes last, as in the papers (AutoAugment, Cubuk et al. 2019, Sec. 4.1). One with the
constant `for_sequences` also takes frames of events: the frames of a sample are stacked as channels.
"""

from collections.abc import Iterable
from typing import ClassVar, Protocol

import torch
from torch import Tensor


class Augmentation(Protocol):
    """What every plug-in of train/augmentations/ is."""

    order: ClassVar[int]

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return changed images; all randomness is drawn from `generator`."""


def augment(images: Tensor, augmentations: Iterable[Augmentation], generator: torch.Generator) -> Tensor:
    """Return `images` after every one of `augmentations`, by increasing `order`.

    images: uint8, (batch, channels, height, width) on the CPU, left unchanged; the result has the same shape and type.
    The same images and state of `generator` give the same result, whatever torch's global generator is.
    """
    for augmentation in sorted(augmentations, key=lambda a: (a.order, type(a).__module__)):
        images = augmentation(images, generator)
    return images


def gather_pixels(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the pixels of each image at its own `rows` (batch, height) and `columns` (batch, width)."""
    samples = torch.arange(len(images))[:, None, None]
    return images[samples, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def random_integers(batch: int, low: int, high: int, generator: torch.Generator) -> Tensor:
    """Return one whole number from low to high - 1 per image, (batch,)."""
    return torch.randint(low, high, (batch,), generator=generator)
