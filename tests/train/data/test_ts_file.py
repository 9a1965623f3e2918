"""Files of series: read by aeon, and what is damaged or claims too much is one line, before it costs memory."""

import tracemalloc

import pytest

from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.ts_file import read_ts

pytest.importorskip("aeon")
HEAD = "# mine\n@problemName x\n@timeStamps false\n@univariate false\n@equalLength false\n@classLabel true a b\n@data\n"


@pytest.fixture
def written(tmp_path):
    def write(text):
        (tmp_path / "mine.ts").write_text(text, encoding="utf-8")
        return tmp_path / "mine.ts"

    return write


def test_series_of_unequal_lengths_come_with_their_labels(written):
    series, labels = read_ts(written(HEAD + "1,2.5,-3:4,5,6:a\n7:8:b\n"))
    assert [sample.tolist() for sample in series] == [[[1, 2.5, -3], [4, 5, 6]], [[7], [8]]]
    assert labels == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "1,2:3:a\n", "cannot be read as series"),
        (HEAD + "1,x:3,4:a\n", "cannot be read as series"),
        ("@problemName\n" + HEAD + "1:2:a\n", "cannot be read as series"),
        (HEAD + "1:2:a\n1:a\n", "cannot be read as series"),
        (HEAD.replace("@classLabel true a b", "@classLabel false") + "1:2\n", "no class labels"),
        (HEAD.replace("@timeStamps false", "@timestamps  TRUE") + "(0,-1):a\n", "time stamps"),
        (HEAD + "1:2:" + "a" * 300 + "\n", "a label of 300 characters"),
        (HEAD + "1," * 1000 + "1:" + "1:" * 1000 + "a\n", "a first channel that is longer"),
    ],
)
def test_what_is_damaged_is_one_line(written, text, expected):
    with pytest.raises(UserError, match=expected) as error:
        read_ts(written(text))
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_or_no_text_is_one_line(tmp_path):
    (tmp_path / "noise.ts").write_bytes(bytes(range(256)))
    for path in (tmp_path / "noise.ts", tmp_path / "nowhere.ts"):
        with pytest.raises(UserError, match="cannot be read"):
            read_ts(path)


def test_one_long_label_does_not_make_room_for_all(written):
    path = written(HEAD + "1:1:" + "a" * 50_000 + "\n" + "1:1:b\n" * 10_000)  # 2 GB of labels, to numpy
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="a label of 50000 characters"):
            read_ts(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
