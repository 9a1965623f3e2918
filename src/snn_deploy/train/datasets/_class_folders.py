"""_class_folders: samples from FOLDER/CLASS/IMAGE or FOLDER/train/CLASS/IMAGE and FOLDER/test/CLASS/IMAGE.

torchvision calls this ImageFolder. FOLDER/val is the test split where there is no FOLDER/test. The
samples come in one fixed random order, so that the first are of all classes.
"""

from pathlib import Path
from typing import cast

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split
from snn_deploy.train.datasets._image_files import ImageFiles

HELD_OUT = 5  # every fifth image of a class is a test image where the folder has no split of its own
_ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's
_SPLITS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "val"), "validation": ("val",)}


def has_validation(folder: Path) -> bool:
    """Return whether `folder` has a validation split beside its training and test splits."""
    return all((folder / name).is_dir() for name in ("train", "val", "test"))


def read_class_folders(
    folder: Path, split: Split, *, channels: int, height: int, width: int, resize: int, help_text: str
) -> Samples:
    """Return one split of the images in `folder`, cut to (channels, height, width); see ImageFiles for `resize`.

    help_text: the next step for a user whose folder is missing.
    """
    paths, labels, classes = class_files(folder, split, _ENDINGS, help_text)
    files = ImageFiles(tuple(paths), channels, height, width, resize)
    # ImageFiles is indexed like an array.
    return Samples(cast(np.ndarray, files), labels, classes)


def class_files(
    folder: Path, split: Split, endings: tuple[str, ...], help_text: str
) -> tuple[list[str], np.ndarray, int]:
    """Return the files of one split in a fixed random order, their labels, and how many classes there are."""
    if not folder.is_dir():
        raise UserError(f"data folder {folder}: no such folder. {help_text}")
    place, has_splits = _split_folder(folder, split, help_text)
    names = _class_names(_split_folder(folder, "train", help_text)[0], help_text)
    unknown = set(_class_names(place, help_text)) - set(names)
    if unknown:
        raise UserError(f"data folder {place}: class {min(unknown)!r} is not among the training classes {names[:5]}...")
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        images = _paths(place / name, endings) if (place / name).is_dir() else []
        if not has_splits:
            images = [p for i, p in enumerate(images) if (i % HELD_OUT == HELD_OUT - 1) == (split == "test")]
        paths += images
        labels += [label] * len(images)
    if not paths:
        raise UserError(f"data folder {place}: no files for the {split} split. {help_text}")
    order = np.random.default_rng(0).permutation(len(paths))
    return [paths[i] for i in order], np.asarray(labels, np.int64)[order], len(names)


def _split_folder(folder: Path, split: Split, help_text: str) -> tuple[Path, bool]:
    """Return where the classes of `split` are, and whether the folder has splits of its own."""
    found = {s: next((folder / n for n in names if (folder / n).is_dir()), None) for s, names in _SPLITS.items()}
    if not any(found.values()):
        return folder, False
    place = found[split]
    if place is None:
        raise UserError(f"data folder {folder}: no subfolder {' or '.join(_SPLITS[split])} for this split. {help_text}")
    return place, True


def _class_names(folder: Path, help_text: str) -> list[str]:
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names:
        raise UserError(f"data folder {folder}: no class subfolders, which give the labels. {help_text}")
    return names


def _paths(folder: Path, endings: tuple[str, ...]) -> list[str]:
    paths = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    for path in paths:
        if path.suffix.lower() not in endings:
            raise UserError(f"{path}: not by its name; allowed endings are {', '.join(endings)}. Move it away.")
    return [str(p) for p in paths]
