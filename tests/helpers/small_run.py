"""A small trained and exported network that the tests of the command line and of the Python API share."""

import json
from pathlib import Path

import pytest
from helpers.cli_help import snn_deploy

CONFIG = """
seed = 3
steps = 3
[data]
name = "digits"
[model]
layers = "4C3-P2-6C3-P2-10"
[training]
epochs = 3
batch_size = 32
samples = 1000
threads = 1
[losses.im_loss]
weight = 0.01
"""


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a config that trains in a second."""
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="session")
def run(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run folder with a trained network."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    result = snn_deploy("train", config, "--out", folder, "--json")
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture(scope="session")
def exported(run: Path) -> Path:
    """Return the folder that `export` wrote for the trained network."""
    result = snn_deploy("export", run, "--target", "loihi", "--json")
    assert result.exit_code == 0, result.stderr
    return Path(json.loads(result.stdout)["files"][0]).parent
