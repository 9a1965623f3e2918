"""export --target onnx, then run and verify with the file that was written."""

import json

import onnx
import pytest
from helpers.cli_help import snn_deploy
from onnx import numpy_helper


@pytest.fixture
def folder(run, tmp_path):
    result = snn_deploy("export", run, "--target", "onnx", "--samples", 20, "--out", tmp_path / "onnx", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["files"] == [str(tmp_path / "onnx" / name) for name in ("network.npz", "network.onnx")]
    assert report["problem"] is None
    return tmp_path / "onnx"


def test_the_exported_model_runs_and_verifies(folder):
    result = snn_deploy("verify", folder, "--backends", "reference,onnx", "--samples", 20)
    assert result.exit_code == 0, result.output
    assert "identical: 20 samples" in result.stdout
    reports = []
    for backend in ("reference", "onnx"):
        reports.append(json.loads(snn_deploy("run", folder, "--backend", backend, "--samples", 20, "--json").stdout))
        assert reports[-1].pop("backend") == backend
    assert reports[0] == reports[1]


def test_the_folders_own_files_choose_what_is_compared(folder):
    result = snn_deploy("verify", folder, "--samples", 2, "--json")
    if result.exit_code == 2:  # where there is no Lava, it is named first
        assert "backend 'lava' does not work here" in result.stderr
    else:
        assert json.loads(result.stdout)["backends"] == ["reference", "cpu", "lava", "onnx"]


def test_verify_runs_the_file_as_it_was_exported(folder):
    model = onnx.load(folder / "network.onnx")
    (weights,) = [i for i in model.graph.initializer if i.name == "conv2-output/weights"]
    changed = numpy_helper.to_array(weights).copy()
    changed[3] = -changed[3]
    weights.CopyFrom(numpy_helper.from_array(changed, weights.name))
    onnx.save(model, folder / "network.onnx")
    result = snn_deploy("verify", folder, "--backends", "reference,cpu,onnx", "--samples", 5, "--json")
    assert result.exit_code == 1
    (difference,) = json.loads(result.stdout)["differences"]
    assert (difference["backend"], difference["kind"], difference["class_index"]) == ("onnx", "output", 3)
