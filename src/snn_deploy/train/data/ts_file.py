"""ts_file: labelled series from .ts files of the UEA and UCR archives, and the sets inside the package aeon, by aeon.

What a damaged file could make of a few bytes is checked before aeon reads it: aeon allocates a table as wide as the
first channel for all channels of a line, and gives every label the room of the longest one.
"""

from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.support.foreign_parser import foreign_parser
from snn_deploy.support.npz_file import reason
from snn_deploy.support.user_error import UserError

INCLUDED = (
    "ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "JapaneseVowels", "OSULeaf",
    "PickupGestureWiimoteZ", "UnitTest",
)  # fmt: skip
_LONGEST_LABEL = 200  # characters


def read_ts(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Return the series, (channels, time) each, and their labels; a damaged file is a UserError."""
    _require_honest(path)
    return _read(path)


def read_included(name: str, split: str) -> tuple[list[np.ndarray], list[str]]:
    """Return the series and labels of a set that comes with aeon, one of INCLUDED. split: "TRAIN" or "TEST"."""
    place = Path(_datasets().__file__).parent / "data" / name
    return _read(place / f"{name}_{split}.ts")


def _read(path: Path) -> tuple[list[np.ndarray], list[str]]:
    load = _datasets().load_from_ts_file
    try:
        with foreign_parser():
            series, labels, about = load(str(path), return_meta_data=True)
    except Exception as error:  # aeon raises whatever it meets
        raise UserError(
            f"{path}: cannot be read as series ({reason(error)}). Write it with aeon's save_to_ts_file."
        ) from error
    if not about["classlabel"] or len(labels) != len(series):
        raise UserError(f"{path}: has no class labels (@classLabel true ...). Add one to the end of every line.")
    return [np.asarray(sample, np.float64) for sample in series], [str(label) for label in labels]


def _datasets() -> Any:
    try:
        import aeon.datasets  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise UserError("data time_series: is read by aeon: pip install 'snn-deploy[signals]'.") from error
    return aeon.datasets


def _require_honest(path: Path) -> None:
    """Raise a UserError for what aeon would need far more memory for than `path` has bytes, or would read wrongly."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if " ".join(line.lower().split()) == "@timestamps true":  # aeon drops their signs and whole numbers
                    raise UserError(f"{path}: series with time stamps of their own; write the values alone.")
                if line.startswith(("#", "@")):
                    continue
                channels = line.strip().split(":")
                if len(channels[-1]) > _LONGEST_LABEL:
                    raise UserError(f"{path}: line {number} ends with a label of {len(channels[-1])} characters.")
                if len(channels) * (channels[0].count(",") + 1) > len(line):
                    raise UserError(f"{path}: line {number} has a first channel that is longer than the others.")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({reason(error)}). Give a .ts file.") from error
