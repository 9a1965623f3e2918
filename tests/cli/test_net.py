"""lava-dl's files on the command line: export, then every verb."""

import json

import h5py
import numpy as np
import pytest
from helpers.cli_help import snn_deploy
from helpers.pilotnet import NETWORK, needs_pilotnet

from snn_deploy.network.integer_network import read_integer_network


@pytest.fixture
def file(tmp_path):
    """A dense network of lava-dl without anything that another program would not write."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "lava.net", "w") as net:
        net["layer/0/type"], net["layer/0/shape"] = b"input", [6]
        for i, (inputs, outputs) in enumerate(((6, 5), (5, 3)), start=1):
            net[f"layer/{i}/type"], net[f"layer/{i}/shape"] = b"dense", [outputs]
            net[f"layer/{i}/weight"] = 2.0 * rng.integers(-60, 60, (outputs, inputs))
            net[f"layer/{i}/neuron/type"] = b"CUBA"
            for name, value in (("vThMant", 30), ("vDecay", 1024), ("iDecay", 4096), ("refDelay", 1)):
                net[f"layer/{i}/neuron/{name}"] = value
    return tmp_path / "lava.net"


def refusal(*arguments):
    done = snn_deploy("export", *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    return done.stderr


def test_it_is_exported_as_it_is_and_every_verb_takes_it(file, tmp_path):
    done = snn_deploy("export", file, "--steps", 8, "--target", "onnx", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert "the network came in integers" in done.stdout
    assert "integer accuracy  not measured" in done.stdout
    network = read_integer_network(tmp_path / "out" / "network.npz")
    assert network.provenance["export"]["chip"] == "loihi2"
    assert network.provenance["net"] == {"file": "lava.net", "input_neurons": False}
    for verb in (["map"], ["verify", "--inputs", "random,nasty", "--backends", "reference,cpu,onnx"]):
        done = snn_deploy(verb[0], tmp_path / "out", *verb[1:])
        assert done.exit_code == 0, done.stdout + done.stderr
    mapped = json.loads(snn_deploy("map", tmp_path / "out", "--profile", "loihi1", "--json").stdout)
    assert mapped["cores"] == 1


def test_it_comes_back_from_our_own_file(file, tmp_path):
    assert snn_deploy("export", file, "--steps", 8, "--out", tmp_path / "first").exit_code == 0
    done = snn_deploy("export", tmp_path / "first" / "network.net", "--out", tmp_path / "second")
    assert done.exit_code == 0, done.stderr
    first, second = (read_integer_network(tmp_path / name / "network.npz") for name in ("first", "second"))
    assert [(p.name, p.threshold.tolist()) for p in first.populations] == [
        (p.name, p.threshold.tolist()) for p in second.populations
    ]
    assert first.steps == second.steps == 8


def test_what_is_about_floats_or_about_nir_is_refused(file, tmp_path):
    assert "it does not say how many steps a sample has. Give --steps N" in refusal(file)
    made = (
        ["--weight-bits", 4],
        ["--thresholds", "per-channel"],
        ["--shift", "bias"],
        ["--round-decays"],
        ["--lava-dl"],
    )
    for option in made:
        assert "are about floats that become integers" in refusal(file, "--steps", 8, *option)
    for option in (["--health", 3], ["--require", "dead=10"]):
        assert "are about floats that become integers" in refusal(file, "--steps", 8, *option)
    assert "say how a .nir file is read" in refusal(file, "--steps", 8, "--dt", "0.001")
    assert "this network came in integers" in refusal(file, "--steps", 8, "--target", "nir")
    assert not list(tmp_path.glob("*/network.npz"))


@needs_pilotnet
def test_pilotnet_lies_on_as_many_cores_as_intels_compiler_gave_it(tmp_path):
    for options, cores in (([], 74), (["--input-spikes"], 61)):
        done = snn_deploy("export", NETWORK, "--out", tmp_path, *options)
        assert done.exit_code == 0, done.stderr
        assert json.loads(snn_deploy("map", tmp_path, "--json").stdout)["cores"] == cores
