"""npz_file: numpy arrays from .npy and .npz files, believed only as far as their bytes reach.

What a header claims is compared with the bytes that are there before anything of that size is allocated: all arrays of
a file together are at most EXPANSION times as large as the file. numpy.load allocates first.
"""

import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from snn_deploy.support.user_error import UserError

EXPANSION = 1100  # deflate makes at most 1032 bytes of one (zlib, "Maximum Expansion Factor")
SLACK = 1 << 16  # bytes that need no proof
_PART = 1 << 20  # bytes that are read at a time
# zipfile unpacks every other method in one go, however much it becomes; numpy writes only these two.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile, its decompressor, numpy and json raise on damage; RuntimeError has NotImplementedError (an unknown
# compression), RecursionError and "encrypted" among it.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
    SyntaxError,
    OSError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RuntimeError,
    MemoryError,
)


class Members:
    """The arrays of an open .npz file, each read when it is asked for. size: of the file, in bytes."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        infos = archive.infolist()
        total = sum(info.file_size for info in infos)
        if total > EXPANSION * size + SLACK:
            raise ValueError(f"its members claim {total} bytes, and it has {size}")
        self.names = tuple(info.filename.removesuffix(".npy") for info in infos if info.filename.endswith(".npy"))

    def read(self, name: str) -> np.ndarray:
        """Return the array `name`; what is none, or not as large as it claims, is one of DAMAGE."""
        info = self._archive.getinfo(f"{name}.npy")
        if info.compress_type not in _METHODS:
            raise ValueError(f"member {name} is compressed with method {info.compress_type}; allowed is deflate")
        if info.file_size > EXPANSION * info.compress_size + SLACK:
            raise ValueError(f"member {name} claims {info.file_size} bytes, and {info.compress_size} are stored")
        with self._archive.open(info) as member:
            array = _array(member, info.file_size, f"member {name}")
            if member.read(1):
                raise ValueError(f"member {name} has more bytes than its array")
        return array


@contextmanager
def open_npz(path: Path) -> Iterator[Members]:
    """Yield the arrays of an .npz file; damage is one of DAMAGE."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        yield Members(archive, os.fstat(file.fileno()).st_size)


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """Return all arrays of an .npz file; a damaged or dishonest file is a UserError."""
    try:
        with open_npz(path) as members:
            return {name: members.read(name) for name in members.names}
    except DAMAGE as error:
        raise UserError(
            f"{path}: not a whole .npz file of arrays ({reason(error)}). Write it with np.savez."
        ) from error


def load_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file; a damaged or dishonest file is a UserError."""
    try:
        with path.open("rb") as file:
            return _array(file, os.fstat(file.fileno()).st_size, "the file")
    except DAMAGE as error:
        raise UserError(f"{path}: not a whole .npy file ({reason(error)}). Write it with np.save.") from error


def reason(error: BaseException) -> str:
    """Return what an exception says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _array(file: IO[bytes], size: int, where: str) -> np.ndarray:
    """Return the array that begins where `file`, of `size` bytes, stands: no objects, and every byte is there."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"{where} is of .npy version {version}; allowed are {', '.join(map(str, readers))}")
    shape, is_fortran, dtype = readers[version](file)
    if dtype.hasobject or dtype.itemsize == 0 or any(length < 0 for length in shape):
        raise ValueError(f"{where} is not a plain array, but {dtype} of shape {shape}")
    wanted, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if wanted > there:
        raise ValueError(f"{where} claims {wanted} bytes and has {there}")
    data = np.empty(wanted, np.uint8)
    for start in range(0, wanted, _PART):
        part = file.read(min(_PART, wanted - start))
        if len(part) != min(_PART, wanted - start):
            raise EOFError(f"{where} claims {wanted} bytes and ends after {start + len(part)}")
        data[start : start + len(part)] = np.frombuffer(part, np.uint8)
    return data.view(dtype).reshape(shape, order="F" if is_fortran else "C")
