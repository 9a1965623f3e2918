"""Data set `time_series`: labelled signals: a set that comes with the package aeon, or a .ts or .npz file of your own.

A file NAME_TRAIN.ts has its test samples in NAME_TEST.ts beside it; of a .ts file of another name, and of an .npz file
with the arrays signals and labels alone, every fifth sample is held out for testing. An .npz file may have
train_signals, train_labels, test_signals and test_labels instead, and val_signals and val_labels for validation.
Signals are numbers, (samples, channels, time) or (samples, time); NaN follows the end of a shorter one. Values are
quantized from the least to the largest value of each channel in the training samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.npz_file import DAMAGE, load_npz, open_npz
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Split
from snn_deploy.train.data.signals import Signals, padded, range_of
from snn_deploy.train.data.ts_file import INCLUDED, read_included, read_ts

_HELD_OUT = 5
_PREFIXES: Mapping[Split, str] = {"train": "train_", "validation": "val_", "test": "test_"}
_Series = tuple[list[np.ndarray], list[str]]  # (channels, time) each, and labels


@dataclass(frozen=True)
class Dataset:
    """file: the name of a set that comes with aeon, or a .ts or .npz file. columns: 0 shows a value in each step (or in
    as many as the encoder makes of it), and steps without a value show 0; another number shows a sample as a map of so
    many columns.
    """

    gives_signals = True

    file: str = "JapaneseVowels"
    columns: Annotated[int, Ge(0), Le(10_000)] = 0

    @property
    def has_validation(self) -> bool:
        """Whether the file has arrays for each of the three splits."""
        try:
            with open_npz(Path(self.file).expanduser()) as members:
                return all(f"{prefix}signals" in members.names for prefix in _PREFIXES.values())
        except DAMAGE:
            return False  # not an .npz, or load says what is wrong

    def load(self, split: Split) -> Signals:
        """Return the samples of `split`."""
        splits = self._splits()
        if split not in splits:
            raise UserError(f"data.file {self.file}: has no samples for the {split} split.")
        training, labels = padded(splits["train"][0], self.file), _numbered(splits, self.file)
        values, lengths = padded(splits[split][0], self.file)
        if values.shape[1] != training[0].shape[1]:
            raise UserError(
                f"data.file {self.file}: {training[0].shape[1]} channels for training and {values.shape[1]} in the "
                f"{split} split."
            )
        signals = Signals(
            values, lengths, labels[split], len(set(splits["train"][1])), range_of(*training), self.columns
        )
        return signals.chosen(np.random.default_rng(0).permutation(len(values)))  # the first are of all classes

    def _splits(self) -> dict[Split, _Series]:
        path = Path(self.file).expanduser()
        if self.file in INCLUDED:
            return {"train": read_included(self.file, "TRAIN"), "test": read_included(self.file, "TEST")}
        if path.suffix.lower() == ".npz":
            return _of_arrays(path)
        if path.suffix.lower() == ".ts":
            beside = path.with_name(path.name.replace("_TRAIN", "_TEST"))
            if beside != path:
                return {"train": read_ts(path), "test": read_ts(beside)}
            return _held_out(*read_ts(path), str(path))
        raise UserError(
            f"data.file {self.file!r}: no set of that name.{did_you_mean(self.file, INCLUDED)} Choose one of "
            f"{', '.join(INCLUDED)}, or a .ts or .npz file."
        )


def _of_arrays(path: Path) -> dict[Split, _Series]:
    arrays = load_npz(path)
    if "signals" in arrays:
        return _held_out(*_series(path, arrays, ""), str(path))
    found = {split: _series(path, arrays, p) for split, p in _PREFIXES.items() if f"{p}signals" in arrays}
    if "train" not in found or "test" not in found:
        raise UserError(
            f"{path}: arrays {', '.join(arrays) or 'none'}; it needs train_signals, train_labels, test_signals and "
            "test_labels, or signals and labels. Save it with numpy.savez(FILE, signals=..., labels=...)."
        )
    return found


def _series(path: Path, arrays: Mapping[str, np.ndarray], prefix: str) -> _Series:
    """Return the series and labels of the arrays whose names begin with `prefix`."""
    signals, labels = arrays[f"{prefix}signals"], arrays.get(f"{prefix}labels", np.empty(0))
    if signals.ndim == 2:
        signals = signals[:, None]
    if signals.ndim != 3 or signals.dtype.kind not in "biuf":
        raise UserError(
            f"{path}: {prefix}signals of shape {signals.shape} and type {signals.dtype}; allowed are numbers, "
            "(samples, channels, time) or (samples, time)."
        )
    if labels.shape != signals.shape[:1] or labels.dtype.kind not in "iuU":
        raise UserError(
            f"{path}: {prefix}labels {labels.shape} of type {labels.dtype} for {len(signals)} signals; allowed is one "
            "whole number or word for each."
        )
    values = signals.astype(np.float64)
    last = values.shape[2] - np.argmax(~np.isnan(values).all(1)[:, ::-1], axis=1)  # where NaN begins, to the end
    return [sample[:, :end] for sample, end in zip(values, last, strict=True)], [
        str(label) for label in labels.tolist()
    ]


def _held_out(series: list[np.ndarray], labels: list[str], where: str) -> dict[Split, _Series]:
    if len(series) < _HELD_OUT:
        raise UserError(f"{where}: {len(series)} samples leave none for testing; at least {_HELD_OUT} are needed.")
    test = [i for i in range(len(series)) if i % _HELD_OUT == _HELD_OUT - 1]
    train = [i for i in range(len(series)) if i % _HELD_OUT != _HELD_OUT - 1]
    return {
        "train": ([series[i] for i in train], [labels[i] for i in train]),
        "test": ([series[i] for i in test], [labels[i] for i in test]),
    }


def _numbered(splits: Mapping[Split, _Series], where: str) -> dict[Split, np.ndarray]:
    """Return the labels of each split as numbers from 0, in the order of numbers where all are whole, else of words."""
    words = set(splits["train"][1])
    is_whole = all(word.lstrip("-").isdecimal() for word in words)
    number = {word: i for i, word in enumerate(sorted(words, key=int if is_whole else None))}
    for split, (_, labels) in splits.items():
        if unknown := sorted(set(labels) - words):
            raise UserError(f"data.file {where}: the {split} split has a label {unknown[0]!r}, the training split not.")
    return {split: np.array([number[label] for label in labels], np.int64) for split, (_, labels) in splits.items()}
