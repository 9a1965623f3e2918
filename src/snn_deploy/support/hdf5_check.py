"""hdf5_check: whether an open HDF5 file keeps to itself and is as large as it says, before anything of it is read.

h5py follows links to other files, takes values from them, and allocates what a shape claims.
"""

import math
from collections.abc import Iterator

import h5py

from snn_deploy.support.npz_file import EXPANSION, SLACK

# What h5py raises on damaged files, and what decoding their strings raises.
HDF5_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)
_DEEPEST = 12
_MOST_OBJECTS = 100_000


def require_honest(file: h5py.File, largest: int | None = None) -> None:
    """Raise ValueError where `file` leads to other places, or its arrays claim what its bytes cannot become.

    No links, not even inside the file; a bounded number of objects; no array that is larger than its stored bytes can
    unpack to; all together at most EXPANSION times the file, and `largest` bytes.
    """
    size, total = file.id.get_filesize(), 0
    for count, item in enumerate(objects(file)):
        if count >= _MOST_OBJECTS:
            raise ValueError(f"more than {_MOST_OBJECTS} objects")
        if isinstance(item, h5py.Dataset):
            total += _honest_size(item, size)
    most = EXPANSION * size + SLACK
    if total > (most if largest is None else min(most, largest)):
        raise ValueError(f"its arrays claim {total} bytes, and it has {size}")


def objects(group: h5py.Group, depth: int = 0) -> Iterator[h5py.Group | h5py.Dataset]:
    """Yield everything in `group` and below; a link is a ValueError."""
    if depth > _DEEPEST:
        raise ValueError(f"groups within groups, more than {_DEEPEST} deep")
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{group.name}/{key} is a link to another place")
        item = group[key]
        yield item
        if isinstance(item, h5py.Group):
            yield from objects(item, depth + 1)


def require_plain(item: h5py.Group | h5py.Dataset, *, may_be_records: bool = False) -> None:
    """Raise ValueError for an array of anything but numbers and text; may_be_records: or records of numbers."""
    if not isinstance(item, h5py.Dataset):
        return
    is_text = h5py.check_string_dtype(item.dtype) is not None
    parts = [item.dtype[i] for i in range(len(item.dtype))] if may_be_records and item.dtype.names else []
    if not (is_text or item.dtype.kind in "biuf" or (parts and all(part.kind in "biuf" for part in parts))):
        raise ValueError(f"{item.name} holds {item.dtype}, neither numbers nor text")


def _honest_size(item: h5py.Dataset, file_size: int) -> int:
    """Return the bytes of an array in memory; an array that its stored bytes cannot fill is a ValueError."""
    if item.is_virtual or item.external:
        raise ValueError(f"{item.name} takes its values from another file")
    places = max(math.prod(item.shape or (1,)), math.prod(item.chunks or (1,)))  # a chunk is unpacked whole
    size = places * item.dtype.itemsize
    stored = min(item.id.get_storage_size(), file_size)
    if size > SLACK and size > stored * EXPANSION:
        raise ValueError(f"{item.name} claims the shape {item.shape}, {size} bytes, and {stored} bytes are stored")
    return size
