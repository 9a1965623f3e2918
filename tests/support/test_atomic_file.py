"""Files appear whole or not at all, together where they belong together."""

import errno
import os
import time

import pytest
from helpers.killed import killed_after
from helpers.small_disk import files_of_at_most

from snn_deploy.support.atomic_file import WriteError, atomic_path, remove_file, write_bytes, write_files, write_text
from snn_deploy.support.user_error import UserError


def test_a_file_and_its_folders_are_written(tmp_path):
    write_text(tmp_path / "a/b/c.txt", "wörter")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "wörter".encode()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c.txt"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device). Make room there, or choose another place."),
        (errno.EDQUOT, "Disk quota exceeded). Make room there, or choose another place."),
        (errno.EIO, "Input/output error). Choose another place."),
    ],
)
def test_a_disk_that_fails_at_the_end_leaves_the_older_file(number, advice, tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(number, os.strerror(number))

    path = tmp_path / "file"
    path.write_text("older")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WriteError) as caught:
        write_text(path, "newer")
    assert str(caught.value) == f"{path}: cannot be written ({advice}"
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "older"


def test_of_files_that_belong_together_none_is_new_where_one_has_no_room(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_text("older")
    with files_of_at_most(100), pytest.raises(WriteError, match="large: cannot be written"):
        write_files({small: b"newer", large: bytes(200)})
    assert list(tmp_path.iterdir()) == [small]
    assert small.read_text() == "older"


def test_another_error_is_not_about_writing(tmp_path):
    with pytest.raises(UserError, match="no such network") as caught, atomic_path(tmp_path / "file"):
        raise UserError("no such network")
    assert not isinstance(caught.value, WriteError)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_of_a_file(tmp_path):
    (tmp_path / "file/inner").mkdir(parents=True)
    with pytest.raises(WriteError, match="Is a directory"):
        write_bytes(tmp_path / "file", b"")
    with pytest.raises(WriteError):
        remove_file(tmp_path / "file")
    remove_file(tmp_path / "none")


def test_what_a_killed_process_has_left_is_removed_by_the_next_and_nothing_else(tmp_path):
    def write_and_wait():
        with atomic_path(tmp_path / "all.h5") as temporary:
            temporary.write_text("half")
            os.utime(temporary, (0, 0))
            time.sleep(60)

    def left():
        return [p for p in tmp_path.iterdir() if p.name.startswith(".all.h5.")]

    assert killed_after(write_and_wait, 0.5)
    assert len(left()) == 1
    (tmp_path / ".all.h5.new.h5").write_text("of a process that has not locked it yet")
    (tmp_path / ".other.h5.x.h5").write_text("of another file")
    os.utime(tmp_path / ".other.h5.x.h5", (0, 0))
    with atomic_path(tmp_path / "all.h5") as temporary:
        temporary.write_text("slow")
        os.utime(temporary, (0, 0))
        write_text(tmp_path / "all.h5", "quick")  # the slow one is alive
        assert temporary.exists()
    assert (tmp_path / "all.h5").read_text() == "slow"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".all.h5.new.h5", ".other.h5.x.h5", "all.h5"]
