"""Whatever else goes wrong is one line, with a file that holds the traceback."""

import json
import tempfile
from pathlib import Path

import pytest
from helpers.cli_help import snn_deploy

import snn_deploy as sd
from snn_deploy.cli import main as main_module


class _Panic(BaseException):
    """As the panics of libraries in Rust are, which `except Exception` does not see."""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize(
    "error", [ValueError("x\nError: y\x1b"), _Panic("index out of bounds"), MemoryError(), RecursionError()]
)
def test_an_unknown_error_of_a_verb_is_one_line_and_a_file(error, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(sd, "run", fail)
    result = snn_deploy("run", "network.npz")
    assert result.exit_code == 2
    (line,) = result.stderr.strip().split("\n")
    assert line.isprintable()
    assert line.startswith(f"Error: snn-deploy met an error that it does not know ({type(error).__name__}: ")
    (file,) = tmp_path.iterdir()
    assert f"with {file}, which holds the traceback" in line
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert "in fail" in text


def test_with_json_it_is_an_object_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sd, "run", lambda *arguments, **options: 1 / 0)
    result = snn_deploy("run", "network.npz", "--json")
    assert "ZeroDivisionError" in json.loads(result.stdout)["error"]
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_outside_the_verbs_is_one_line_too(tmp_path, monkeypatch):
    monkeypatch.setattr(main_module.importlib, "import_module", lambda name: {}["missing"])
    result = snn_deploy("run", "network.npz")
    assert result.exit_code == 2
    (line,) = result.stderr.strip().split("\n")
    assert "(KeyError: 'missing')" in line


def test_where_no_file_can_be_kept_the_line_says_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(sd, "run", lambda *arguments, **options: 1 / 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    result = snn_deploy("run", "network.npz")
    (line,) = result.stderr.strip().split("\n")
    assert "cannot be kept (No such file or directory)" in line
    assert f"it was raised in {Path(__file__)}, line" in line


def test_what_click_says_of_options_stays(tmp_path):
    result = snn_deploy("run", "--no-such-option")
    assert result.exit_code == 2
    assert "No such option" in result.stderr
    assert list(tmp_path.iterdir()) == []
