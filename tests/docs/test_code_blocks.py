"""Every code block of README.md and docs/ runs (helpers/code_blocks.py); pages of training: the file beside this."""

import shutil

import nir
import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.code_blocks import OF_TRAINING, PAGES, WITH_CODE, Block, blocks, changed, prepare, run_commands, run_page
from helpers.lava_help import LAVA_MISSING

from snn_deploy.support.plugin import load_plugin

_LAVA_PAGES = ("lava.md",)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with what pages take as given: the examples, a trained and exported run, files of other programs."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(folder)
    run = folder / "runs/digits"
    small = ["--set", "training.epochs=3", "--set", "training.measured_samples=0"]
    for arguments in (
        ("train", folder / "examples/digits.toml", *small, "--out", run),
        ("export", run, "--samples", 20),
        ("export", run, "--target", "onnx", "--samples", 20),
    ):
        result = snn_deploy(*arguments)
        assert result.exit_code == 0, result.output
    shutil.copytree(run, folder / "runs/digits-seed0")
    weights = np.random.default_rng(0).normal(size=(4, 6))
    neurons = nir.LIF(*(np.full(4, value) for value in (2e-4, 2.0, 0.0, 1.0)))
    nir.write(folder / "model.nir", nir.NIRGraph.from_list(nir.Linear(weights), neurons))
    np.save(folder / "images.npy", load_plugin("train.datasets", "digits").Dataset().load("test").inputs[:20])
    return folder


@pytest.mark.parametrize("page", [p for p in WITH_CODE if p.name not in OF_TRAINING], ids=lambda page: page.name)
def test_every_block_runs(page, prepared, tmp_path, monkeypatch):
    if page.name in _LAVA_PAGES and LAVA_MISSING:  # never in CI: .ci/run fails where Lava is missing
        pytest.skip(f"the page runs Lava: {LAVA_MISSING}")
    shutil.copytree(prepared, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    run_page(page, monkeypatch)


def test_what_is_not_run_says_why_and_is_little():
    skipped = [(page.name, b.line, b.rule) for page in PAGES for b in blocks(page) if b.rule.startswith("not run")]
    assert len(skipped) <= 4, skipped
    assert all(len(rule) > len("not run: ") + 10 for _, _, rule in skipped)


def test_a_wrong_command_in_a_block_would_be_found(monkeypatch):
    with pytest.raises(AssertionError, match=r"page:1: snn-deploy verify"):
        run_commands("snn-deploy verify nowhere --samples 1", monkeypatch, "page:1")
    with pytest.raises(AssertionError, match="not in the block"):
        changed(Block("sh", "snn-deploy run", 1, "", "train => export"))
