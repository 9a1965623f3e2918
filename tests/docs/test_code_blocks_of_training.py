"""Every code block of the pages on training runs (helpers/code_blocks.py)."""

import pytest
from helpers.code_blocks import OF_TRAINING, WITH_CODE, prepare, run_page


@pytest.mark.parametrize("name", OF_TRAINING)
def test_every_block_runs(name, tmp_path, monkeypatch):
    (page,) = (page for page in WITH_CODE if page.name == name)
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    run_page(page, monkeypatch)
