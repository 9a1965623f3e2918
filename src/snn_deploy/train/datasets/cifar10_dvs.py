"""Data set `cifar10_dvs`: CIFAR10-DVS, 10,000 images of CIFAR-10 that move before a camera (Li et al. 2017), 128 x 128.

It has no split of its own; as in the papers, a tenth of each class is tested: every tenth in the order of the files.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.train.data.events import FrameValues
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._tonic import frames_of, shuffled, tonic_set

_HELD_OUT = 10


@dataclass(frozen=True)
class Dataset:
    """folder: holds CIFAR10DVS/CLASS, as tonic leaves them. steps: frames of a sample, as in the config.

    size: frames are size x size; 0 is 128. values: of a frame's pixel. download: what is not there.
    """

    folder: str = "~/.cache/snn-deploy"
    steps: Annotated[int, Ge(1), Le(1000)] = 10
    size: Annotated[int, Ge(0), Le(1024)] = 48
    values: FrameValues = "binary"
    download: bool = False

    def load(self, split: Split) -> Samples:
        """Return sequences of shape (2, size, size), `steps` frames each."""
        found = tonic_set("CIFAR10DVS", ".aedat4", self.folder, self.download)
        labels = np.asarray(found.targets)
        names = np.array([str(path) for path in found.data])
        place = np.zeros(len(labels), int)  # of each file among those of its class
        for label in np.unique(labels):
            mine = np.flatnonzero(labels == label)
            place[mine[np.argsort(names[mine])]] = np.arange(len(mine))
        is_test = place % _HELD_OUT == _HELD_OUT - 1
        order = shuffled(len(labels))
        return frames_of(found, order[is_test[order] == (split == "test")], 10, self.steps, self.size, self.values)
