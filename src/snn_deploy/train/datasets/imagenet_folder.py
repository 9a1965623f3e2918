"""Data set `imagenet_folder`: ImageNet (ILSVRC 2012), 1,281,167 training and 50,000 validation images of 1,000 classes.

Standard preprocessing (He et al. 2016; Dspike Sec. 5.3): the shorter side becomes 256, the middle 224x224 is cut out.
Random crops in training are the augmentation `resized_crop`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._class_folders import read_class_folders


@dataclass(frozen=True)
class Dataset:
    """folder: holds train/WORDNET_ID/*.JPEG and val/WORDNET_ID/*.JPEG, as torchvision's ImageNet unpacks them.

    size: of the square that is cut out. resize: what the shorter side becomes before.
    """

    folder: str
    size: Annotated[int, Ge(1)] = 224
    resize: Annotated[int, Ge(1)] = 256

    def load(self, split: Split) -> Samples:
        """Return the images of `split`, (3, size, size) each, read when they are needed; `val` is the test split."""
        if self.resize < self.size:
            raise UserError(f"data: resize {self.resize} is below size {self.size}; nothing that large can be cut out.")
        return read_class_folders(
            Path(self.folder).expanduser(),
            split,
            channels=3,
            height=self.size,
            width=self.size,
            resize=self.resize,
            help_text="ImageNet needs an account: download ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and "
            "ILSVRC2012_devkit_t12.tar.gz from image-net.org into one folder, unpack them there with "
            "torchvision.datasets.ImageNet(FOLDER), once with split='train' and once with split='val', and give "
            "--set data.folder=FOLDER.",
        )
