"""idx_file: the format of the MNIST files (yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import math
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from snn_deploy.support.npz_file import reason
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split

# A .gz unpacks to at most EXPANSION times its size and _SLACK bytes: MNIST's images to 5 times. Only drawings of one
# colour unpack to more than a hundred times, and they are small.
EXPANSION = 100
_SLACK = 1 << 26
_MOST_AXES = 4
_PREFIX = {"train": "train", "test": "t10k"}


def has_idx_files(folder: Path) -> bool:
    """Whether `folder` (or its subfolder raw/) holds the four MNIST-like files."""
    return all(_find(folder, split, kind) for split in ("train", "test") for kind in ("images", "labels"))


def read_idx_samples(folder: Path, split: Split) -> Samples:
    """Return the images (1, height, width) and labels of a folder with MNIST-like idx files."""
    if not folder.is_dir():
        raise UserError(f"data folder {folder}: no such folder. Give the folder that holds the idx files.")
    found = {kind: _find(folder, split, kind) for kind in ("images", "labels")}
    for kind, path in found.items():
        if path is None:
            digits = {"images": 3, "labels": 1}[kind]
            raise UserError(
                f"data folder {folder}: no file {_PREFIX[split]}-{kind}-idx{digits}-ubyte (or .gz). "
                "Give the folder that holds the four files of MNIST or Fashion-MNIST."
            )
    images, labels = (read_idx(path) for path in found.values() if path)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not images.size:
        raise UserError(
            f"data folder {folder}: images {images.shape} and labels {labels.shape} do not belong together."
        )
    return Samples(images[:, None], labels.astype(np.int64), classes=int(labels.max()) + 1)


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array in one idx file; a truncated or foreign file is a UserError.

    A .gz is unpacked to no more than its shape claims, and that is bounded by its size (EXPANSION).
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            stored = path.stat().st_size
            return _array(path, file, EXPANSION * stored + _SLACK if path.suffix == ".gz" else stored)
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        raise UserError(f"{path}: cannot be read ({reason(error)}). Download it again.") from error


def _array(path: Path, file: gzip.GzipFile | BufferedReader, most: int) -> np.ndarray:
    """Return the array of an open file, of at most `most` bytes."""
    start = file.read(4)
    if len(start) < 4 or start[:3] != b"\0\0\x08" or start[3] > _MOST_AXES:
        raise UserError(f"{path}: not an idx file of bytes (it starts with {start!r}). Download it again.")
    lengths = file.read(4 * start[3])
    shape = tuple(int.from_bytes(lengths[i : i + 4], "big") for i in range(0, len(lengths), 4))
    size = math.prod(shape)
    if 0 in shape:  # numpy makes no array of such a shape where another length is large
        raise UserError(f"{path}: claims {shape}, which has no data. Download it again.")
    if size > most:
        raise UserError(f"{path}: claims {shape}, {size} bytes, which its size cannot hold. Download it again.")
    content = file.read(size + 1)
    if len(shape) != start[3] or len(content) != size:
        found = f"more than {size}" if len(content) > size else str(len(content))
        raise UserError(f"{path}: {found} bytes of data where {shape} needs {size}. Download it again.")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _find(folder: Path, split: Split | str, kind: str) -> Path | None:
    digits = {"images": 3, "labels": 1}[kind]
    for place in (folder, folder / "raw", *folder.glob("*MNIST/raw")):
        for separator in ("-", "."):
            for ending in ("", ".gz"):
                path = place / f"{_PREFIX[split]}-{kind}{separator}idx{digits}-ubyte{ending}"
                if path.is_file():
                    return path
    return None
