"""Data set `recording`: inputs that were recorded with what a network did, and their labels, in one numpy file.

It is the file of `snn-deploy export --against`: `inputs`, (steps, samples, neurons) or (steps, samples, channels,
height, width), or without steps for what is shown in every step; `labels`, (samples,). Other arrays are left alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn_deploy.interchange.recording import INPUTS, LABELS
from snn_deploy.support.npz_file import load_npz
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split

_SEQUENCE_AXES = (3, 5)


@dataclass(frozen=True)
class Dataset:
    """file: the .npz. All of its samples are both for training and for testing."""

    file: str

    def load(self, split: Split) -> Samples:
        """Return all samples; values above 1 are of 0..255."""
        path = Path(self.file).expanduser()
        if not path.is_file():
            raise UserError(f"{path}: no such file. Give the .npz of a recording: --data recording:FILE.")
        arrays = load_npz(path)
        missing = [name for name in (INPUTS, LABELS) if name not in arrays]
        if missing:
            raise UserError(
                f"{path}: no array {missing[0]!r} among {', '.join(sorted(arrays)) or 'none'}. Save it with "
                f"numpy.savez(FILE, {INPUTS}=..., {LABELS}=..., LAYER=spikes)."
            )
        inputs, labels = arrays[INPUTS], arrays[LABELS]
        is_sequence = inputs.ndim in _SEQUENCE_AXES
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
            raise UserError(f"{path}: {LABELS} {labels.shape} of {labels.dtype}; allowed are whole numbers from 0.")
        if inputs.ndim not in (2, 3, 4, 5) or inputs.shape[int(is_sequence)] != len(labels):
            raise UserError(
                f"{path}: {INPUTS} of the shape {inputs.shape} for {len(labels)} labels; allowed are (samples, "
                "neurons), (samples, channels, height, width), and both with the steps before."
            )
        is_number = inputs.size and inputs.dtype.kind in "biuf"
        if not is_number or not (inputs == np.rint(inputs)).all() or inputs.min() < 0:
            raise UserError(f"{path}: {INPUTS} of {inputs.dtype}; allowed are whole numbers 0..255.")
        largest = 1 if inputs.max() <= 1 else 255
        if inputs.max() > largest:
            raise UserError(f"{path}: {INPUTS} up to {inputs.max():g}; allowed are whole numbers 0..255.")
        ordered = np.swapaxes(inputs, 0, 1) if is_sequence else inputs
        values = np.ascontiguousarray(ordered.astype(np.uint8))
        return Samples(values, labels.astype(np.int64), int(labels.max()) + 1, largest, 1 / largest, is_sequence)
