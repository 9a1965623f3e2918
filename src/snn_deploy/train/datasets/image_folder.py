"""Data set `image_folder`: any folder with one subfolder of images per class."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge

from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._class_folders import has_validation, read_class_folders


@dataclass(frozen=True)
class Dataset:
    """folder: holds CLASS/IMAGE, or train/CLASS/IMAGE and test/CLASS/IMAGE, and val/CLASS/IMAGE for validation. Without
    test/ it is val/ that is tested; without both, every fifth image of a class.

    size: the shorter side is resized to it, and the middle size x size is cut out. channels: 3 is colour, 1 is grey.
    """

    folder: str
    size: Annotated[int, Ge(1)] = 32
    channels: Literal[1, 3] = 3

    @property
    def has_validation(self) -> bool:
        """Whether the folder has a validation split."""
        return has_validation(Path(self.folder).expanduser())

    def load(self, split: Split) -> Samples:
        """Return the images of `split`, (channels, size, size) each, read when they are needed."""
        return read_class_folders(
            Path(self.folder).expanduser(),
            split,
            channels=self.channels,
            height=self.size,
            width=self.size,
            resize=self.size,
            help_text="Give a folder that has one subfolder of images per class: --set data.folder=FOLDER.",
        )
