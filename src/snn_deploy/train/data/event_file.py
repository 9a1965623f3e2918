"""event_file: events from .npy, .npz, .h5 and .aedat4 files.

npy: a structured array with fields x, y, t and p (or polarity), or (events, 4) in the order x, y, t, polarity. npz:
four arrays of those names. HDF5: four arrays of those names, or a structured one, in the root or in the group `events`,
as Prophesee's, DSEC's and tonic's files are. aedat4: of iniVation's cameras, by the package aedat.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snn_deploy.support.foreign_parser import foreign_parser
from snn_deploy.support.hdf5_check import require_honest, require_plain
from snn_deploy.support.npz_file import DAMAGE, load_npy, load_npz, reason
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.events import Events, checked_events

_NAMES = {"x": ("x", "xs"), "y": ("y", "ys"), "t": ("t", "ts", "timestamp"), "p": ("p", "polarity", "ps", "on")}


def read_events(path: Path) -> Events:
    """Return the events in the file at `path`; a damaged or foreign one is a UserError."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise UserError(f"{path}: no event file by its name; allowed endings are {', '.join(_READERS)}.")
    try:
        found = read(path)
    except UserError:
        raise
    except DAMAGE as error:
        raise UserError(f"{path}: cannot be read as events ({reason(error)}). Record or download it again.") from error
    return as_events(found, str(path))


def as_events(found: Mapping[str, Any], where: str) -> Events:
    """Return the events whose arrays are `found` under one of their usual names; a UserError starts with `where`."""
    x, y, t, polarity = (_array(found, name, where) for name in _NAMES)
    return checked_events(x, y, t, polarity, where)


def _array(found: Mapping[str, Any], name: str, where: str) -> np.ndarray:
    key = next((key for key in _NAMES[name] if key in found), None)
    if key is None:
        raise UserError(f"{where}: no array {name!r} among {', '.join(found) or 'nothing'}; events have x, y, t and p.")
    return np.asarray(found[key])


def _npy(path: Path) -> Mapping[str, Any]:
    return _columns(load_npy(path), path)


def _columns(array: np.ndarray, path: Path) -> Mapping[str, Any]:
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim != 2 or array.shape[1] != 4:
        raise UserError(
            f"{path}: an array of shape {array.shape}; allowed is (events, 4), or one with fields x, y, t, p."
        )
    return dict(zip("xytp", array.T, strict=True))


def _npz(path: Path) -> Mapping[str, Any]:
    return load_npz(path)


def _hdf5(path: Path) -> Mapping[str, Any]:
    with h5py.File(path, "r") as file:
        require_honest(file)
        place = file.get("events", file)
        if isinstance(place, h5py.Group) and isinstance(place.get("CD/events", place.get("events")), h5py.Dataset):
            place = place.get("CD/events", place.get("events"))
        elif isinstance(file.get("CD/events"), h5py.Dataset):
            place = file["CD/events"]
        if isinstance(place, h5py.Dataset):
            require_plain(place, may_be_records=True)
            return _columns(place[:], path)
        arrays = {n: place[n] for names in _NAMES.values() for n in names if isinstance(place.get(n), h5py.Dataset)}
        for array in arrays.values():
            require_plain(array)
        return {name: array[:] for name, array in arrays.items()}


def _aedat4(path: Path) -> Mapping[str, Any]:
    try:
        import aedat  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise UserError(f"{path}: aedat4 files need the package aedat: pip install 'snn-deploy[events]'.") from error
    with foreign_parser():
        packets = [packet["events"] for packet in aedat.Decoder(path) if "events" in packet]
    if not packets:
        raise UserError(f"{path}: no events in it.")
    return _columns(np.concatenate(packets), path)


_READERS: dict[str, Callable[[Path], Mapping[str, Any]]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".aedat4": _aedat4,
}
