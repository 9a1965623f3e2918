"""hdf5_stream: a large HDF5 file that is written piece by piece, on a disk that may be full.

HDF5 does not survive a failed write: it fails again when the file is closed, and crashes when the process ends. So it
writes to a file object that never fails: what the disk refuses stays in memory, and the error comes after the piece,
when HDF5 has no part in it any more. An interrupt waits for the end of the piece for the same reason.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from snn_deploy.support.atomic_file import atomic_path
from snn_deploy.support.signals_wait import signals_wait

Piece = Callable[[], AbstractContextManager[None]]


@contextmanager
def hdf5_stream(path: Path) -> Iterator[tuple[h5py.File, Piece]]:
    """Yield an HDF5 file, and `piece`: whatever touches the file stands in a block `with piece():`.

    The file is at `path` at the end, whole or not at all. What the disk refuses is a WriteError.
    """
    with atomic_path(path) as temporary, temporary.open("r+b", buffering=0) as raw:
        target = _NeverFailing(raw)

        @contextmanager
        def piece() -> Iterator[None]:
            with signals_wait():
                yield
            target.raise_error()

        with signals_wait():
            file = h5py.File(target, "w")
        try:
            yield file, piece
        finally:
            with signals_wait():
                file.close()
        target.raise_error()


class _NeverFailing(io.RawIOBase):
    """A file for HDF5 whose writes never fail; `raise_error` says what became of them."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self._raw, self._at = raw, 0
        self._error: OSError | None = None
        self._refused: list[tuple[int, bytes]] = []  # (place, bytes) in the order of writing, once the disk has failed

    def raise_error(self) -> None:
        """Raise the first error of the disk, if there was one."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; the file's end is only asked for before anything is written."""
        self._at = self._raw.seek(offset, whence)
        return self._at

    def write(self, content: Any) -> int:
        """Write all of `content`."""
        data, start = bytes(content), self._at
        self._at += len(data)
        if self._error is None:
            try:
                self._raw.seek(start)
                done = 0
                while done < len(data):
                    done += self._raw.write(data[done:])
            except OSError as error:
                self._error = error
        if self._error is not None:
            self._refused.append((start, data))
        return len(data)

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; where nothing was written are zeros."""
        view, start = memoryview(buffer).cast("B"), self._at
        self._raw.seek(start)
        found = self._raw.read(len(view)) or b""
        view[:] = found.ljust(len(view), b"\0")
        for place, data in self._refused:
            first, last = max(place, start), min(place + len(data), start + len(view))
            if first < last:
                view[first - start : last - start] = data[first - place : last - place]
        self._at += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Make the file `size` bytes long."""
        length = self._at if size is None else size
        try:
            self._raw.truncate(length)
        except OSError as error:
            self._error = self._error or error
        return length
