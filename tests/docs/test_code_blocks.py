"""Every code block of README.md and docs/ runs (helpers/code_blocks.py); training and Lava: the files beside this."""

import shutil

import pytest
from helpers.code_blocks import (
    OF_LAVA,
    OF_TRAINING,
    PAGES,
    WITH_CODE,
    Block,
    blocks,
    changed,
    run_commands,
    run_page,
)

ELSEWHERE = (*OF_TRAINING, OF_LAVA)


@pytest.mark.parametrize("page", [p for p in WITH_CODE if p.name not in ELSEWHERE], ids=lambda page: page.name)
def test_every_block_runs(page, prepared, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    run_page(page, monkeypatch)


def test_what_is_not_run_says_why_and_is_little():
    skipped = [(page.name, b.line, b.rule) for page in PAGES for b in blocks(page) if b.rule.startswith("not run")]
    # Each needs what no test has: an installation, a container engine, an hour, or files from elsewhere.
    pages = ["README.md", "bias_free_training.md", "gallery.md", "install.md", "install.md", "mapping.md", "silicon.md"]
    assert sorted(page for page, _, _ in skipped) == pages
    assert all(len(rule) > len("not run: ") + 10 for _, _, rule in skipped)


def test_a_wrong_command_in_a_block_would_be_found(monkeypatch):
    with pytest.raises(AssertionError, match=r"page:1: snn-deploy verify"):
        run_commands("snn-deploy verify nowhere --samples 1", monkeypatch, "page:1")
    with pytest.raises(AssertionError, match="not in the block"):
        changed(Block("sh", "snn-deploy run", 1, "", "train => export"))
