"""Data set `audio_folder`: recordings of sound, one subfolder of files per class, as the loudness of mel bands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.mel_bands import mel_bands, read_sound
from snn_deploy.train.data.samples import Split
from snn_deploy.train.data.signals import Signals, padded, range_of
from snn_deploy.train.datasets._class_folders import class_files, has_validation

ENDINGS = (".wav", ".flac", ".ogg", ".aiff")


@dataclass(frozen=True)
class Dataset:
    """folder: holds CLASS/FILE, or train/CLASS/FILE and test/CLASS/FILE, and val/CLASS/FILE for validation. Without
    test/ it is val/ that is tested; without both, every fifth recording of a class.

    rate: values of a recording in a second. longest: seconds that one may last. bands: channels of a sample. window,
    hop: seconds of sound that a value of a band is about, and from one value to the next. columns: as of time_series.
    """

    gives_signals = True

    folder: str
    rate: Annotated[int, Ge(100), Le(1_000_000)] = 16000
    longest: Annotated[float, Gt(0), Le(3600)] = 10.0
    bands: Annotated[int, Ge(1), Le(512)] = 40
    window: Annotated[float, Gt(0), Le(10)] = 0.025
    hop: Annotated[float, Gt(0), Le(10)] = 0.01
    columns: Annotated[int, Ge(0), Le(10_000)] = 0

    @property
    def has_validation(self) -> bool:
        """Whether the folder has a validation split."""
        return has_validation(Path(self.folder).expanduser())

    def load(self, split: Split) -> Signals:
        """Return the samples of `split`, `bands` channels each."""
        if round(self.hop * self.rate) < 1 or round(self.window * self.rate) < 2:
            raise UserError(
                f"data: window {self.window:g} s and hop {self.hop:g} s of {self.rate} values a second are none. Make "
                "them longer."
            )
        training, _, _ = self._bands("train")
        values, labels, classes = self._bands(split)
        columns = self.columns
        return Signals(*padded(values, self.folder), labels, classes, range_of(*padded(training, self.folder)), columns)

    def _bands(self, split: Split) -> tuple[list[np.ndarray], np.ndarray, int]:
        help_text = "Give a folder that has one subfolder of recordings per class: --set data.folder=FOLDER."
        files, labels, classes = class_files(Path(self.folder).expanduser(), split, ENDINGS, help_text)
        sounds = (read_sound(Path(file), self.rate, self.longest) for file in files)
        return [mel_bands(sound, self.rate, self.bands, self.window, self.hop) for sound in sounds], labels, classes
