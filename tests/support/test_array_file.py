import io
import json
import zipfile

import numpy as np
import pytest

from snn_deploy.support.array_file import content_digest, read_array_file, write_array_file
from snn_deploy.support.user_error import UserError

KIND, VERSION = "a test file", 1
HEADER = {"name": "é", "steps": 4, "shape": [1, 2]}
ARRAYS = {"b/weights": np.arange(-3, 3, dtype=np.int8).reshape(2, 3), "a": np.array([1.5, -0.0]), "c": np.array(7)}


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "file.npz"
    write_array_file(target, KIND, VERSION, HEADER, ARRAYS)
    return target


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, **changed):
    """Write the zip again with some members replaced; its own checksums are right again."""
    content = members(path) | {f"{name}.npy": data for name, data in changed.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def header_member(path, **changes):
    envelope = json.loads(np.load(io.BytesIO(members(path)["header.npy"])).tobytes()) | changes
    return npy(np.frombuffer(json.dumps(envelope).encode(), np.uint8))


def refused(path, message):
    with pytest.raises(UserError, match=message) as caught:
        read_array_file(path, KIND, VERSION)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_written_is_read_again(path):
    header, arrays = read_array_file(path, KIND, VERSION)
    assert header == HEADER
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(arrays[name], array)


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.npz"
    write_array_file(again, KIND, VERSION, dict(reversed(HEADER.items())), dict(reversed(ARRAYS.items())))
    assert again.read_bytes() == path.read_bytes()


def test_numpy_opens_the_file_without_pickle(path):
    with np.load(path, allow_pickle=False) as opened:
        np.testing.assert_array_equal(opened["b/weights"], ARRAYS["b/weights"])


@pytest.mark.parametrize("change", [{"a": np.array([1.5, 0.0])}, {"c": np.array(7, np.int32)}, {"d": np.array(1)}])
def test_the_digest_changes_with_any_value_type_or_name(change):
    assert content_digest(HEADER, ARRAYS | change) != content_digest(HEADER, ARRAYS)


def test_a_missing_file_is_a_user_error(tmp_path):
    refused(tmp_path / "nowhere.npz", "no such file")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_a_user_error(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "not a whole a test file file")


def test_a_flipped_bit_anywhere_never_changes_what_is_read(path):
    content = path.read_bytes()
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        try:
            header, arrays = read_array_file(path, KIND, VERSION)
        except UserError:
            continue  # the only exception that a damaged file may raise
        assert header == HEADER
        assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())


def test_a_changed_array_is_a_user_error_even_with_right_zip_checksums(path):
    rewrite(path, a=npy(np.array([1.5, 3.0])))
    refused(path, "does not match its SHA-256")


def test_a_file_of_a_newer_version_is_a_user_error(path):
    rewrite(path, header=header_member(path, version=2))
    refused(path, "format version 2; this program reads version 1")


@pytest.mark.parametrize("kind", ["another kind", None, 3])
def test_a_file_of_another_kind_is_a_user_error(path, kind):
    rewrite(path, header=header_member(path, kind=kind))
    refused(path, "not a a test file")


@pytest.mark.parametrize("changes", [{"header": 3}, {"sha256": 3}, {"header": None}, {"version": None}])
def test_a_header_of_another_form_is_a_user_error(path, changes):
    rewrite(path, header=header_member(path, **changes))
    refused(path, str(path))


def test_a_pickle_is_not_loaded(path):
    rewrite(path, a=npy(np.array([{"a": 1}], dtype=object), allow_pickle=True))
    refused(path, "not a plain array")


def test_a_huge_claimed_shape_is_not_believed(path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**40)})
    rewrite(path, a=header.getvalue() + b"\0" * 16)
    refused(path, "claims 9671406556917033397649408 bytes and has 16")


@pytest.mark.parametrize(
    "content", [b"", b"no array at all", b"\x93NUMPY\x03\x00", b"\x93NUMPY\x01\x00\x10\x00{'descr': 1"]
)
def test_a_member_that_is_no_array_is_a_user_error(path, content):
    rewrite(path, a=content)
    refused(path, "not a whole")


def test_a_plain_numpy_file_of_somebody_else_is_a_user_error(tmp_path):
    path = tmp_path / "foreign.npz"
    np.savez(path, weights=np.ones(3))
    refused(path, "not a whole")


def test_a_folder_is_a_user_error(tmp_path):
    refused(tmp_path, "no such file")


@pytest.mark.parametrize("field", [8, 10], ids=["encrypted", "unknown compression"])
def test_a_zip_that_claims_what_we_do_not_read_is_a_user_error(path, field):
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")  # the first member's entry in the central directory (APPNOTE 4.3.12)
    content[entry + field] |= 1 if field == 8 else 0x40
    path.write_bytes(content)
    refused(path, "not a whole")
