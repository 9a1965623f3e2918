"""load_hdf5: another program's HDF5 file as plain dictionaries, believed only as far as its bytes reach.

What the file claims is checked before anything of that size is read: support/hdf5_check.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snn_deploy.support.hdf5_check import HDF5_DAMAGE, objects, require_honest, require_plain
from snn_deploy.support.npz_file import reason
from snn_deploy.support.require_file import require_file
from snn_deploy.support.user_error import UserError

_LARGEST = 1 << 32  # bytes of all arrays together, in memory
_TEXTS = 16  # times the file, of arrays of texts


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
    require_file(path, f"a {kind.title}")
    try:
        with h5py.File(path, "r") as file:
            require_honest(file, _LARGEST)
            for item in objects(file):
                require_plain(item)
            if not isinstance(file.get(kind.group), h5py.Group):
                raise ValueError(f"it has no group {kind.group!r}")
            loaded = _loaded(file[kind.group], _TEXTS * file.id.get_filesize())
    except HDF5_DAMAGE as error:
        raise UserError(
            f"{path}: not a whole {kind.title} ({reason(error)}). It is damaged, truncated or of another kind; "
            f"export it again with {kind.written_by}."
        ) from error
    return loaded


def _loaded(group: h5py.Group, most_text: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in group.items():
        if isinstance(item, h5py.Group):
            result[key] = _loaded(item, most_text)
            continue
        value = _texts(item, most_text) if _is_long_text(item) else item[()]
        if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
            for text in value.ravel():
                text.decode()  # what is no UTF-8 is damage, here and not where it is used
        result[key] = value.decode() if isinstance(value, bytes) else value
    return result


def _is_long_text(item: h5py.Dataset) -> bool:
    """Return whether `item` is an array of texts of any length, each of which may be the same long one of the file."""
    found = h5py.check_string_dtype(item.dtype)
    return found is not None and found.length is None and bool(item.shape)


def _texts(item: h5py.Dataset, most: int) -> np.ndarray:
    """Return an array of texts, read one by one and no more than `most` bytes."""
    texts, total = np.empty(item.shape, object), 0
    for place in np.ndindex(item.shape):
        texts[place] = item[place]
        total += len(texts[place])
        if total > most:
            raise ValueError(f"{item.name} holds texts of more than {most} bytes")
    return texts
