"""A folder in which the commands of the pages run."""

import shutil

import nir
import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.code_blocks import prepare

from snn_deploy.train.datasets.digits import Dataset


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
    np.save(folder / "images.npy", Dataset().load("test").inputs[:20])
    return folder
