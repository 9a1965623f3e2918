"""Augmentation `autoaugment`: a policy of colour and shape changes that was learned (Cubuk et al. 2019).

The changes are torchvision's. It draws from torch's global generator, so that one is replaced for the call, with a
seed from ours, and put back.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class Augmentation:
    """policy: the data set that it was learned on."""

    order: ClassVar[int] = 30
    policy: Literal["cifar10", "imagenet", "svhn"] = "cifar10"

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images (batch, 1 or 3 channels, height, width), each changed on its own."""
        if images.shape[1] not in (1, 3):
            raise UserError(
                f"augmentations.autoaugment: images of {images.shape[1]} channels; its colour changes need 1 or 3. "
                "Leave it out for such data."
            )
        change = self._torchvision()
        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # of the CPU alone: torch.manual_seed would seed GPUs too
            return torch.stack([change(image) for image in images])

    def _torchvision(self) -> Any:
        from torchvision.transforms import autoaugment  # noqa: PLC0415 - slow to import, and only this one needs it

        return autoaugment.AutoAugment(autoaugment.AutoAugmentPolicy[self.policy.upper()])
