"""idx_file: the format of the MNIST files (yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples, Split

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
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise UserError(
            f"data folder {folder}: images {images.shape} and labels {labels.shape} do not belong together."
        )
    return Samples(images[:, None], labels.astype(np.int64), classes=int(labels.max()) + 1)


def read_idx(path: Path) -> np.ndarray:
    """Return the uint8 array in one idx file; a truncated or foreign file is a UserError."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({error}). Download it again.") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise UserError(f"{path}: not an idx file of bytes (it starts with {content[:4]!r}). Download it again.")
    axes = content[3]
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    start, size = 4 + 4 * axes, int(np.prod(shape, dtype=object))
    if len(content) - start != size:
        raise UserError(f"{path}: {len(content) - start} bytes of data where {shape} needs {size}. Download it again.")
    return np.frombuffer(content, np.uint8, size, start).reshape(shape)


def _find(folder: Path, split: Split | str, kind: str) -> Path | None:
    digits = {"images": 3, "labels": 1}[kind]
    for place in (folder, folder / "raw", *folder.glob("*MNIST/raw")):
        for separator in ("-", "."):
            for ending in ("", ".gz"):
                path = place / f"{_PREFIX[split]}-{kind}{separator}idx{digits}-ubyte{ending}"
                if path.is_file():
                    return path
    return None
