"""Data set `nmnist`: N-MNIST, MNIST's digits seen by a camera that moves (Orchard et al. 2015), 34 x 34."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from snn_deploy.train.data.events import FrameValues
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._tonic import frames_of, shuffled, tonic_set


@dataclass(frozen=True)
class Dataset:
    """folder: holds NMNIST/Train and NMNIST/Test, as tonic leaves them. steps: frames of a sample, as in the config.

    size: frames are size x size; 0 is 34. values: of a frame's pixel. download: what is not there.
    """

    folder: str = "~/.cache/snn-deploy"
    steps: Annotated[int, Ge(1), Le(1000)] = 10
    size: Annotated[int, Ge(0), Le(1024)] = 0
    values: FrameValues = "binary"
    download: bool = False

    def load(self, split: Split) -> Samples:
        """Return sequences of shape (2, size, size), `steps` frames each."""
        found = tonic_set("NMNIST", ".bin", self.folder, self.download, train=split == "train")
        return frames_of(found, shuffled(len(found)), 10, self.steps, self.size, self.values)
