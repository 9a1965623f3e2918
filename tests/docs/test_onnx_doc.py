"""What docs/onnx.md says is what the exported model does."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from helpers.cli_help import snn_deploy

from snn_deploy.deploy.backends import reference
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.support.plugin import load_plugin

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/onnx.md").read_text(encoding="utf-8")


def _block(language):
    (block,) = re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)
    return block


def test_the_commands_and_the_program_of_the_page_work(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for line in _block("sh").splitlines():
        arguments = shlex.split(line)[1:]
        quick = ["--set", "training.epochs=2"] if arguments[0] == "train" else []
        result = snn_deploy(*arguments, *quick)
        assert result.exit_code == 0, result.output
    assert "identical: 20 samples" in result.output

    samples = load_plugin("train.datasets", "digits").Dataset().load("test").first(50)
    np.save("images.npy", samples.inputs)
    program = _block("python")
    found = {}
    exec(program, found)
    expected = reference.run(read_integer_network(Path("runs/digits/onnx/network.npz")), samples.inputs)
    np.testing.assert_array_equal(found["potentials"], expected.outputs)
    np.testing.assert_array_equal(found["spikes"], expected.spike_counts["conv1"])
    assert str(found["potentials"].argmax(axis=1)) in capsys.readouterr().out
    assert (found["potentials"].argmax(axis=1) == samples.labels).mean() > 0.5

    session = onnxruntime.InferenceSession("runs/digits/onnx/network.onnx")
    said = set(re.findall(r"^\| (?:or )?`([^`]+)`", TEXT, flags=re.MULTILINE))
    names = {v.name.replace("conv1/", "NAME/") for v in (*session.get_inputs(), *session.get_outputs())}
    assert {"images", "output", "NAME/spike_counts", "NAME/spikes"} <= names & said
    assert {p.key for p in onnx.load("runs/digits/onnx/network.onnx").metadata_props} == {
        "network_sha256",
        "provenance",
        "snn_deploy_version",
    }
    assert all(f"`{key}`" in TEXT for key in ("network_sha256", "provenance", "snn_deploy_version"))
