"""Every mistake is one clear line and exit code 2; nothing half-written stays."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.network.float_network import FloatConnection, read_float_network, write_float_network


def _refused(*arguments):
    """Return the one line of the error."""
    result = snn_deploy(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("optimizer.learning_rat=0.1", "Did you mean 'learning_rate'?"),
        ("trainning.epochs=1", "Did you mean 'training'?"),
        ("losses.imloss.weight=1.0", "Did you mean 'im_loss'?"),
        ("model.layers=4C3-MP2-10", "max pooling"),
        ("data.name=imagenet", "no plug-in named 'imagenet'"),
        ("norm.name=batchnorm", "no plug-in named 'batchnorm'"),
        ("training.epochs=many", "valid integer"),
    ],
)
def test_a_wrong_config_is_refused_before_anything_is_written(config, tmp_path, assignment, expected):
    assert expected in _refused("train", config, "--set", assignment, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_missing_config_file_is_refused(tmp_path):
    assert "no.toml: cannot be read" in _refused("train", tmp_path / "no.toml")


def test_a_missing_data_folder_is_refused(config, tmp_path):
    line = _refused(
        "train",
        config,
        "--set",
        "data.name=fashion_mnist",
        "--set",
        f"data.folder={tmp_path}/none",
        "--out",
        tmp_path / "r",
    )
    assert "none: no such folder" in line
    assert "no file train-images-idx3-ubyte" in _refused(
        "train", config, "--set", "data.name=mnist", "--set", f"data.folder={tmp_path}", "--out", tmp_path / "r"
    )


def test_a_loss_that_is_not_finite_stops_the_training(config, tmp_path):
    result = snn_deploy("train", config, "--set", "optimizer.learning_rate=1e30", "--out", tmp_path / "run")
    assert result.exit_code == 2, result.output
    assert result.stdout.startswith("network: ")
    assert result.stdout.count("\n") == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert "the loss is" in line
    assert not (tmp_path / "run/float_network.npz").exists()


@pytest.mark.parametrize("verb", ["run", "verify", "energy"])
def test_a_damaged_network_file_is_refused_by_every_verb(exported, tmp_path, verb):
    content = (exported / "network.npz").read_bytes()
    for name, damaged in {
        "truncated": content[: len(content) // 2],
        "changed": content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
        "foreign": b"not a network",
    }.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(damaged)
        assert str(path) in _refused(verb, path)
    assert "no such file" in _refused(verb, tmp_path / "missing.npz")


def test_a_trained_network_is_not_an_exported_one_and_the_other_way_round(run, exported):
    assert "FloatNetwork" in _refused("run", run / "float_network.npz")
    assert "IntegerNetwork" in _refused("export", exported / "network.npz")


def test_a_weight_that_is_not_a_number_is_refused_by_name(run, tmp_path, monkeypatch):
    network = read_float_network(run / "float_network.npz")
    monkeypatch.setattr(FloatConnection, "__post_init__", lambda self: None)  # so that such a file can be made
    first, *others = network.connections
    weights = first.weights.copy()
    weights[1, 0, 2, 2] = np.nan
    write_float_network(replace(network, connections=(replace(first, weights=weights), *others)), tmp_path / "nan.npz")
    monkeypatch.undo()
    line = _refused("export", tmp_path / "nan.npz", "--out", tmp_path / "out")
    assert "connection 'input-conv1': weights[1, 0, 2, 2] is nan" in line
    assert not (tmp_path / "out").exists()


def test_a_norm_with_a_shift_is_refused_with_the_way_out(config, tmp_path):
    result = snn_deploy("train", config, "--set", "norm.name=tdbn", "--out", tmp_path / "run")
    assert result.exit_code == 0
    assert "centered_tdbn" in _refused("export", tmp_path / "run", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unknown_and_unfit_profiles_are_refused(run, exported, tmp_path):
    assert "Choose one of cmos45, loihi1, loihi2" in _refused("export", run, "--profile", "loihi3", "--out", tmp_path)
    assert "not a chip" in _refused("export", run, "--profile", "cmos45", "--out", tmp_path)
    assert "2 to 8 bits" in _refused("export", run, "--weight-bits", "10", "--out", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_backends_data_and_sample_counts_are_refused(exported):
    assert "Choose one of" in _refused("run", exported, "--backend", "lav")
    assert "at least two different ones" in _refused("verify", exported, "--backends", "cpu")
    assert "no plug-in named 'digit'" in _refused("run", exported, "--data", "digit")
    assert "has 359 test samples" in _refused("run", exported, "--samples", 10_000)
    assert "allowed is a whole number from 0" in _refused("run", exported, "--samples", -1)


def test_data_of_another_shape_is_refused(exported, tmp_path):
    for name, content in {
        "t10k-images-idx3-ubyte": b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (2, 5, 5)) + bytes(50),
        "t10k-labels-idx1-ubyte": b"\0\0\x08\x01" + (2).to_bytes(4, "big") + bytes(2),
    }.items():
        (tmp_path / name).write_bytes(content)
    assert "samples of shape (1, 5, 5)" in _refused("run", exported, "--data", f"mnist:{tmp_path}")


def test_with_json_an_error_is_an_object_too(exported):
    result = snn_deploy("run", exported, "--backend", "lav", "--json")
    assert result.exit_code == 2
    assert "no plug-in named 'lav'" in json.loads(result.stdout)["error"]
    assert result.stderr.startswith("Error: ")


def test_a_folder_that_cannot_be_written_is_refused(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in _refused("export", run, "--out", tmp_path / "file")
