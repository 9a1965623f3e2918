"""The example scripts run from any folder and leave their picture or report."""

import re
from pathlib import Path

import pytest
from helpers.code_blocks import run_script
from PIL import Image

SCRIPTS = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs_and_leaves_its_picture_or_report(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_script([str(script)], monkeypatch, script.name)
    printed = capsys.readouterr().out
    (written,) = re.findall(rf"^wrote ({script.stem}(?:\.png|/report\.html))$", printed, flags=re.MULTILINE)
    assert (tmp_path / written).stat().st_size
    if written.endswith(".png"):
        with Image.open(tmp_path / written) as picture:
            colours = picture.convert("RGB").getcolors(1 << 20)
            assert picture.width > 500
            assert colours is not None
            assert len(colours) > 20


def test_there_are_scripts():
    assert len(SCRIPTS) >= 2
