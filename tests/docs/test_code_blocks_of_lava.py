"""Every code block of the page on Lava runs (helpers/code_blocks.py)."""

import shutil

import pytest
from helpers.code_blocks import OF_LAVA, WITH_CODE, run_page
from helpers.lava_help import LAVA_MISSING


def test_every_block_runs(prepared, tmp_path, monkeypatch):
    if LAVA_MISSING:  # never in CI: .ci/run fails where Lava is missing
        pytest.skip(f"the page runs Lava: {LAVA_MISSING}")
    (page,) = (page for page in WITH_CODE if page.name == OF_LAVA)
    shutil.copytree(prepared, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    run_page(page, monkeypatch)
