"""What an .npy or .npz file claims is not believed: memory stays within a multiple of the file's size."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from snn_deploy.support.array_file import read_array_file, write_array_file
from snn_deploy.support.npz_file import load_npy, load_npz
from snn_deploy.support.user_error import UserError

ARRAYS = {"a": np.arange(6).reshape(2, 3), "b": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "c": np.array(7)}


def refused(read, path, message, most=20e6):
    tracemalloc.start()
    with pytest.raises(UserError, match=message) as error:
        read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
    assert peak < most


def bomb(path, method, size, members=1):
    """Write an .npz whose members are `size` zeros each, with right checksums."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (size,)})
    with zipfile.ZipFile(path, "w", method) as archive:
        for i in range(members):
            archive.writestr("header.npy" if i == 0 else f"a{i}.npy", header.getvalue() + bytes(size))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_wrote_is_read(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    found = load_npz(tmp_path / "a.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
        np.save(tmp_path / "one.npy", array)
        np.testing.assert_array_equal(load_npy(tmp_path / "one.npy"), array)


@pytest.mark.parametrize("read", [load_npz, lambda path: read_array_file(path, "a test file", 1)])
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_of_another_compression_is_not_unpacked(tmp_path, read, method):
    bomb(tmp_path / "a.npz", method, 2**26)
    assert (tmp_path / "a.npz").stat().st_size < 12_000
    refused(read, tmp_path / "a.npz", r"claim.* bytes|compressed with method")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_that_says_it_is_small_is_not_unpacked(tmp_path, method):
    bomb(tmp_path / "a.npz", method, 2**26)
    content = (tmp_path / "a.npz").read_bytes()
    size = next(zipfile.ZipFile(tmp_path / "a.npz").infolist().__iter__()).file_size
    (tmp_path / "a.npz").write_bytes(content.replace(size.to_bytes(4, "little"), (200).to_bytes(4, "little")))
    refused(load_npz, tmp_path / "a.npz", "compressed with method")


def test_members_that_share_their_bytes_count_each(tmp_path):
    bomb(tmp_path / "a.npz", zipfile.ZIP_DEFLATED, 2**20)
    content = (tmp_path / "a.npz").read_bytes()
    start, end = content.rindex(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    directory, count = content[start:end], 300  # 300 names for the same member
    tail = bytearray(content[end:])
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = (count * len(directory)).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(content[:start] + directory * count + tail)
    refused(load_npz, tmp_path / "a.npz", "its members claim")


def test_an_npy_file_that_claims_more_than_it_has_is_not_allocated(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})
    (tmp_path / "a.npy").write_bytes(header.getvalue() + bytes(1000))
    refused(load_npy, tmp_path / "a.npy", "claims 8796093022208 bytes and has 1000")


@pytest.mark.parametrize("header", [b"{", b"{'descr': '<f8'", b"(" * 5000, b"{'descr': '|O', 'shape': (1,)}", b"\xff"])
def test_a_header_that_is_no_header_is_one_line(tmp_path, header):
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    (tmp_path / "a.npy").write_bytes(content)
    refused(load_npy, tmp_path / "a.npy", "not a whole .npy file")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("header.npy", content)
    refused(load_npz, tmp_path / "a.npz", "not a whole .npz file")
    refused(lambda path: read_array_file(path, "a test file", 1), tmp_path / "a.npz", "not a whole a test file")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", r'"\ud800"', "[" * 100_000])
def test_json_that_no_writer_makes_is_one_line(tmp_path, text):
    path = tmp_path / "a.npz"
    write_array_file(path, "a test file", 1, {"x": 1}, {})
    envelope = f'{{"kind": "a test file", "version": 1, "sha256": "", "header": {{"x": {text}}}}}'
    np.savez(path, header=np.frombuffer(envelope.encode(), np.uint8))
    refused(lambda path: read_array_file(path, "a test file", 1), path, "not a whole a test file")
