"""A large HDF5 file that meets a full disk or an interrupt in the middle."""

import io
import signal

import h5py
import numpy as np
import pytest
from helpers.small_disk import files_of_at_most

from snn_deploy.support.atomic_file import WriteError
from snn_deploy.support.hdf5_stream import _NeverFailing, hdf5_stream


def test_what_was_written_is_read(tmp_path):
    with hdf5_stream(tmp_path / "all.h5") as (file, piece), piece():
        file["values"] = np.arange(100_000)
    with h5py.File(tmp_path / "all.h5") as file:
        np.testing.assert_array_equal(file["values"], np.arange(100_000))


@pytest.mark.parametrize("room", [0, 100, 1_000, 10_000, 100_000, 1_000_000])
def test_a_full_disk_is_told_after_the_piece_that_met_it(room, tmp_path):
    path, rng = tmp_path / "all.h5", np.random.default_rng(room)
    path.write_text("older")
    written = 0
    with files_of_at_most(room), pytest.raises(WriteError, match="cannot be written"), hdf5_stream(path) as (f, piece):
        for i in range(100):
            with piece():
                f.create_dataset(str(i), data=rng.integers(0, 256, 20_000, np.uint8), compression="lzf")
            written += 20_000
    assert written < room + 2_000_000  # HDF5 keeps up to a million bytes of chunks to itself
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_disk_refused_is_read_back_as_it_was_written():
    class Full(io.BytesIO):
        def write(self, content):
            if self.tell() + len(content) > 8:
                raise OSError("full")
            return super().write(content)

    file = _NeverFailing(Full())
    for place, content in ((0, b"abcd"), (4, b"efghi"), (2, b"XY"), (8, b"Z")):
        file.seek(place)
        assert file.write(content) == len(content)
    file.seek(0)
    assert file.read(12) == b"abXYefghZ\0\0\0"
    with pytest.raises(OSError, match="full"):
        file.raise_error()


def test_an_interrupt_comes_after_the_piece(tmp_path):
    done = []
    with pytest.raises(KeyboardInterrupt), hdf5_stream(tmp_path / "all.h5") as (file, piece), piece():
        signal.raise_signal(signal.SIGINT)
        file["values"] = np.zeros(10)
        done.append(True)
    assert done == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert list(tmp_path.iterdir()) == []
