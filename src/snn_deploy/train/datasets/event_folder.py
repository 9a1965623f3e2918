"""Data set `event_folder`: recordings of an event camera, one subfolder of files per class."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.train.data.event_file import read_events
from snn_deploy.train.data.events import FrameValues
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._class_folders import class_files, has_validation

ENDINGS = (".npy", ".npz", ".h5", ".hdf5", ".aedat4")


@dataclass(frozen=True)
class Dataset:
    """folder: holds CLASS/FILE, or train/CLASS/FILE and test/CLASS/FILE, and val/CLASS/FILE for validation. Without
    test/ it is val/ that is tested; without both, every fifth recording of a class.

    sensor_height, sensor_width: pixels of the camera. size: frames are size x size; 0 is as the sensor. steps: frames
    of a recording, equal parts of its duration; the config's steps must be the same. values: of a frame's pixel.
    """

    folder: str
    sensor_height: Annotated[int, Ge(1)] = 128
    sensor_width: Annotated[int, Ge(1)] = 128
    size: Annotated[int, Ge(0), Le(1024)] = 48
    steps: Annotated[int, Ge(1), Le(1000)] = 10
    values: FrameValues = "binary"

    @property
    def has_validation(self) -> bool:
        """Whether the folder has a validation split."""
        return has_validation(Path(self.folder).expanduser())

    def load(self, split: Split) -> Samples:
        """Return sequences of shape (2, size, size), `steps` frames each."""
        help_text = "Give a folder that has one subfolder of recordings per class: --set data.folder=FOLDER."
        files, labels, classes = class_files(Path(self.folder).expanduser(), split, ENDINGS, help_text)
        sensor = (self.sensor_height, self.sensor_width)
        size = (self.size, self.size) if self.size else sensor
        frames = [read_events(Path(file)).frames(self.steps, sensor, size, self.values, str(file)) for file in files]
        most = 1 if self.values == "binary" else 255
        return Samples(np.stack(frames), labels, classes, most, 1.0, is_sequence=True)
