"""The panic of a library in Rust is an error like others, and writes nothing."""

import os
from pathlib import Path

import pytest

from snn_deploy.support.foreign_parser import foreign_parser
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.event_file import read_events

MOVING_DOT = Path(__file__).parents[1] / "train" / "data" / "moving_dot.aedat4"


class _Panic(BaseException):
    pass


def test_a_panic_is_a_value_error_and_its_lines_are_dropped(capfd):
    with pytest.raises(ValueError, match="index out of bounds"), foreign_parser():
        os.write(2, b"thread panicked\n")
        raise _Panic("index out of bounds")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_other_exceptions_stay_as_they_are(error):
    with pytest.raises(error), foreign_parser():
        raise error


# Bytes at which the decoder panics: in the middle of a letter of its XML header, and a packet longer than the file.
@pytest.mark.parametrize("changes", [{143: 133}, {276: 143}, {64: 212, 1356: 214, 1437: 205, 1454: 193}])
def test_a_damaged_event_file_is_one_line(changes, tmp_path, capfd):
    pytest.importorskip("aedat")
    content = bytearray(MOVING_DOT.read_bytes())
    for place, value in changes.items():
        content[place] = value
    (tmp_path / "a.aedat4").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.aedat4: cannot be read as events \(.*\)\. Record"):
        read_events(tmp_path / "a.aedat4")
    assert capfd.readouterr().err == ""
