"""stream_file: frames, values or events from a pipe or a device, as soon as they are there.

npy: arrays as numpy.save writes them, one after another: a frame or several, or events with the fields x, y, t and p.
json: lines of JSON, a frame each, its values in lists or in one list; or {"x": ..., "y": ..., "t": ..., "p": ...},
numbers or lists. The other formats, named as ffmpeg names samples, are numbers without any head: all values of a
frame, then those of the next one; of signals, all channels at one time, as sound cards interleave them.
"""

import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from snn_deploy.support.array_file import refuse_constant
from snn_deploy.support.npz_file import DAMAGE, reason
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.event_file import as_events
from snn_deploy.train.data.events import Events

RAW: Mapping[str, str] = {
    "u8": "u1",
    "s8": "i1",
    "s16le": "<i2",
    "s16be": ">i2",
    "s32le": "<i4",
    "f32le": "<f4",
    "f64le": "<f8",
}
FORMATS = ("npy", "json", *RAW)
_AT_ONCE = 1 << 16  # bytes; less where less is there
_LONGEST = 1 << 26  # bytes of a line or of an array
_MAGIC = b"\x93NUMPY"
_JSON_BEGINS = b"[{-0123456789 \t\r\n"  # a byte, or nothing at all
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@runtime_checkable
class Bytes(Protocol):
    """A file that was opened for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes, fewer at the end."""


def read_stream(
    file: Bytes, where: str, shape: tuple[int, ...], file_format: str | None = None
) -> Iterator[np.ndarray | Events]:
    """Yield what comes from `file`: blocks of numbers, (frames, *shape), or Events, until it ends.

    file_format: one of FORMATS; None is npy or json, by the first byte. What is neither, or ends in the middle, is a
    UserError that starts with `where`.
    """
    if file_format is not None and file_format not in FORMATS:
        raise UserError(f"{where}: no format {file_format!r}. Choose one of {', '.join(FORMATS)}.")
    return _read(file, where, shape, file_format)


def _read(file: Bytes, where: str, shape: tuple[int, ...], file_format: str | None) -> Iterator[np.ndarray | Events]:
    first = b"" if file_format else file.read(1)
    source: io.BufferedIOBase = io.BufferedReader(_Rejoined(first, file), _AT_ONCE)
    found = file_format or ("npy" if first == _MAGIC[:1] else "json" if first in _JSON_BEGINS else None)
    if found is None:
        raise UserError(
            f"{where}: begins with the byte {first[0]}, as neither npy nor JSON does. Say what it is: --format "
            f"{', '.join(RAW)}."
        )
    try:
        if found in RAW:
            yield from _raw(source, where, shape, np.dtype(RAW[found]))
        else:
            yield from (_npy if found == "npy" else _json)(source, where, shape)
    except OSError as error:
        raise UserError(f"{where}: cannot be read any more ({error.strerror or error}).") from error


def as_block(values: np.ndarray, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Return `values`, one frame or several, as (frames, *shape); a UserError that starts with `where`."""
    if values.dtype.kind not in "biuf":
        raise UserError(f"{where}: values of type {values.dtype}; allowed are numbers.")
    if values.shape[1:] == shape and values.shape != shape:
        return values
    if values.shape == shape or values.shape == (math.prod(shape),):
        return values.reshape(1, *shape)
    if shape == (1,) and values.ndim < 2:
        return values.reshape(-1, 1)  # values of one channel
    words = ", ".join(map(str, shape))
    raise UserError(f"{where}: an array of shape {values.shape}; allowed is ({words}), or several of them.")


def _raw(source: io.BufferedIOBase, where: str, shape: tuple[int, ...], kind: np.dtype) -> Iterator[np.ndarray]:
    size = math.prod(shape) * kind.itemsize
    held = b""
    while more := source.read1(max(_AT_ONCE, size)):
        held += more
        whole = len(held) // size * size
        if whole:
            yield np.frombuffer(held[:whole], kind).reshape(-1, *shape)
            held = held[whole:]
    if held:
        raise UserError(f"{where}: ends with {len(held)} of the {size} bytes of a frame. Send whole frames.")


def _json(source: io.BufferedIOBase, where: str, shape: tuple[int, ...]) -> Iterator[np.ndarray | Events]:
    number = 0
    while line := source.readline(_LONGEST + 1):
        number += 1
        here = f"{where}, line {number}"
        if len(line) > _LONGEST:
            raise UserError(f"{here}: longer than {_LONGEST} bytes. Send one frame a line.")
        if line.isspace():
            continue
        try:
            found = json.loads(line, parse_constant=refuse_constant)
            values = np.array(found if not isinstance(found, dict) else 0)
        except (*DAMAGE, RecursionError) as error:
            raise UserError(f"{here}: no frame of numbers in JSON ({reason(error)}).") from error
        if isinstance(found, dict):
            yield as_events({name: _listed(value, here) for name, value in found.items()}, here)
        else:
            yield as_block(values, shape, here)


def _listed(value: Any, where: str) -> np.ndarray:
    try:
        return np.atleast_1d(np.array(value))
    except DAMAGE as error:
        raise UserError(f"{where}: no numbers of events ({reason(error)}).") from error


def _npy(source: io.BufferedIOBase, where: str, shape: tuple[int, ...]) -> Iterator[np.ndarray | Events]:
    number = 0
    while magic := source.read(len(_MAGIC) + 2):
        number += 1
        here = f"{where}, array {number}"
        try:
            array = _array(source, magic)
        except DAMAGE as error:
            raise UserError(f"{here}: not a whole .npy array ({reason(error)}). Write it with numpy.save.") from error
        if array.dtype.names:
            yield as_events({name: array[name] for name in array.dtype.names}, here)
        else:
            yield as_block(array, shape, here)


def _array(source: io.BufferedIOBase, magic: bytes) -> np.ndarray:
    """Return the array whose first bytes are `magic`; one of DAMAGE where it is none."""
    version = tuple(magic[len(_MAGIC) :])
    if not magic.startswith(_MAGIC) or version not in _HEADERS:
        raise ValueError(f"begins with {magic!r}")
    shape, is_fortran, kind = _HEADERS[version](source)
    size = math.prod(shape) * kind.itemsize
    if kind.hasobject or kind.itemsize == 0 or min(shape, default=0) < 0 or size > _LONGEST:
        raise ValueError(f"{kind} of shape {shape}; allowed are numbers of {_LONGEST} bytes at most")
    data = source.read(size)
    if len(data) < size:
        raise EOFError(f"claims {size} bytes and ends after {len(data)}")
    return np.frombuffer(data, kind).reshape(shape, order="F" if is_fortran else "C")


class _Rejoined(io.RawIOBase):
    """A file of which the first bytes were read, with them."""

    def __init__(self, first: bytes, file: Bytes) -> None:
        super().__init__()
        self._first, self._read = first, getattr(file, "read1", file.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._first or self._read(len(buffer))
        self._first = b""
        buffer[: len(data)] = data
        return len(data)
