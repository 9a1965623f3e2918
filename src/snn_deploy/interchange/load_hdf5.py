"""load_hdf5: another program's HDF5 file as plain dictionaries, believed only as far as its bytes reach.

What the file claims is checked before anything of that size is read: links only inside the file, a bounded number of
objects, no array that is larger than its stored bytes can unpack to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snn_deploy.support.user_error import UserError

_DEEPEST = 12
_MOST_OBJECTS = 100_000
_LARGEST_EXPANSION = 1100  # deflate makes at most 1032 bytes of one (zlib, "Maximum Expansion Factor")
_SMALL = 1 << 16  # bytes that need no proof: contiguous and compact arrays, and those that were never written
_LARGEST = 1 << 32
# What h5py raises on damaged files, and what decoding their strings raises.
_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Kind:
    """A kind of file. title: of it; group: that holds all of it; written_by: what makes it anew."""

    title: str
    group: str
    written_by: str


def load_hdf5(path: Path, kind: Kind) -> dict[str, Any]:
    """Return the group of the file as dictionaries of numpy arrays, numbers and strings; attributes are left out.

    A missing, truncated, foreign or dishonest file is one UserError.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file. Give the path of a {kind.title}.")
    try:
        with h5py.File(path, "r") as file:
            _require_honest(file)
            if not isinstance(file.get(kind.group), h5py.Group):
                raise ValueError(f"it has no group {kind.group!r}")
            loaded = _loaded(file[kind.group])
    except _DAMAGE as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: not a whole {kind.title} ({reason}). It is damaged, truncated or of another kind; export it "
            f"again with {kind.written_by}."
        ) from error
    return loaded


def _require_honest(file: h5py.File) -> None:
    total = 0
    for count, (name, item) in enumerate(_objects(file, 0)):
        if count >= _MOST_OBJECTS:
            raise ValueError(f"more than {_MOST_OBJECTS} objects")
        if isinstance(item, h5py.Dataset):
            total += _honest_size(name, item)
    if total > _LARGEST:
        raise ValueError(f"its arrays claim {total} bytes, more than {_LARGEST}")


def _objects(group: h5py.Group, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        raise ValueError(f"groups within groups, more than {_DEEPEST} deep")
    for key in group:
        name = f"{group.name}/{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link to another place")
        item = group[key]
        yield name, item
        if isinstance(item, h5py.Group):
            yield from _objects(item, depth + 1)


def _honest_size(name: str, item: h5py.Dataset) -> int:
    """Return the bytes of an array in memory; an array that its stored bytes cannot fill is a ValueError."""
    if item.is_virtual or item.external:
        raise ValueError(f"{name} takes its values from another file")
    is_text = h5py.check_string_dtype(item.dtype) is not None
    if not (is_text or item.dtype.kind in "biuf"):
        raise ValueError(f"{name} holds {item.dtype}, neither numbers nor text")
    size = int(np.prod(item.shape or (1,), dtype=object)) * item.dtype.itemsize
    stored = item.id.get_storage_size()
    if size > _SMALL and size > stored * _LARGEST_EXPANSION:
        raise ValueError(f"{name} claims the shape {item.shape}, {size} bytes, and {stored} bytes are stored")
    return size


def _loaded(group: h5py.Group) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in group.items():
        value = _loaded(item) if isinstance(item, h5py.Group) else item[()]
        result[key] = value.decode() if isinstance(value, bytes) else value
    return result
