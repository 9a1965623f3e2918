"""A file that is not what was written is one line that says what to do."""

import json

import pytest

from snn_deploy.support.sealed_json import SealedJson, digest_of
from snn_deploy.support.user_error import UserError

THING = SealedJson("a kind", 3, "thing", 200, "a thing", "Make it again.")


def test_a_file_gives_back_what_was_written(tmp_path):
    THING.write(tmp_path / "t.json", {"a": [1, None, 2.5], "b": "x"})
    assert THING.read(tmp_path / "t.json") == {"a": [1, None, 2.5], "b": "x"}
    whole = json.loads((tmp_path / "t.json").read_text())
    assert whole["sha256"] == digest_of(whole["thing"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("41", "42"), "damaged or edited"),
        (lambda text: text.replace('"version": 3', '"version": 4'), "version 4; this program reads version 3"),
        (lambda text: text.replace("a kind", "another"), "is not a thing"),
        (lambda text: text[:-5], r"is not a thing \("),
        (lambda text: "", r"is not a thing \("),
        (lambda text: "[1]", "is not a thing"),
        (lambda text: text + " " * 200, "bytes; a thing has at most 200"),
        (lambda text: '{"a": NaN}', r"is not a thing \("),
    ],
)
def test_what_is_not_what_was_written_is_refused(tmp_path, change, message):
    path = tmp_path / "t.json"
    THING.write(path, {"a": 41})
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=rf"t\.json: .*{message}.*Make it again\."):
        THING.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="Give the path of a thing"):
        THING.read(tmp_path / "none.json")
