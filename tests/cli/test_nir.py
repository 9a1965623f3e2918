"""`snn-deploy export` with NIR files, in and out."""

import json
import re
import shlex
import shutil
from pathlib import Path

import nir
import numpy as np
import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.interchange.comparison import SINGLE, SourceComparison
from snn_deploy.interchange.nir.reading import NirReading
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.network import float_semantics
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.support.counted import counted


@pytest.fixture
def foreign(tmp_path):
    """A file of another program."""
    weights = np.random.default_rng(0).normal(size=(4, 6))
    neurons = nir.LIF(*(np.full(4, value) for value in (2e-4, 2.0, 0.0, 1.0)))
    nir.write(tmp_path / "model.nir", nir.NIRGraph.from_list(nir.Linear(weights), neurons))
    return tmp_path / "model.nir"


def error_of(*arguments):
    result = snn_deploy("export", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line


def test_a_file_of_another_program_becomes_integers_and_says_that_no_accuracy_was_measured(foreign, tmp_path):
    result = snn_deploy("export", foreign, "--steps", 5, "--input-max", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "integer accuracy  not measured" in result.stdout
    network = read_integer_network(tmp_path / "out/network.npz")
    assert network.steps == 5 and network.input.largest_value == 1
    assert (network.populations[0].voltage_keep == 2048).all()
    assert network.provenance["nir"] == {
        "time_step": 1e-4,
        "discretization": "euler",
        "reset": "value",
        "fires_at_threshold": False,
    }


def recorded(network, path, **changes):
    """Write inputs and what a network in floats does with them to `path`."""
    frames = np.random.default_rng(1).integers(0, 2, (5, 3, *network.input.shape))
    spikes = float_semantics.run(network, frames).spikes
    assert spikes[network.output.name].any()
    np.savez(path, inputs=frames, **{p.name: spikes[p.name] for p in network.populations} | changes)
    return path


def test_a_file_is_compared_with_a_recording_of_its_source_which_the_exported_file_notes(foreign, tmp_path):
    """Without one, the export says so."""
    options = ("--steps", 5, "--input-max", 1, "--out", tmp_path / "out")
    assert "not compared with its source: give --against FILE" in snn_deploy("export", foreign, *options).stdout
    network = read_nir(foreign, NirReading(steps=5, largest_value=1))
    file = recorded(network, tmp_path / "recording.npz")
    result = snn_deploy("export", foreign, *options, "--against", file)
    assert result.exit_code == 0, result.output
    spikes = int(np.load(file)[network.output.name].sum())
    assert f"compared with recording.npz: 60 values of 1 layer, {counted(spikes, 'spike')}, 0 differ" in result.stdout
    noted = read_integer_network(tmp_path / "out/network.npz").provenance["compared"]
    assert SourceComparison.from_dict(noted).spikes == spikes and noted["tolerance"] == SINGLE


def test_one_spike_that_differs_ends_the_export_with_nothing_written(foreign, tmp_path):
    network = read_nir(foreign, NirReading(steps=5, largest_value=1))
    name = network.output.name
    file = recorded(network, tmp_path / "recording.npz")
    spikes = np.load(file)[name]
    spikes[3, 1, 2] = 1 - spikes[3, 1, 2]
    recorded(network, file, **{name: spikes})
    options = ("--steps", 5, "--input-max", 1, "--out", tmp_path / "out")
    line = error_of(foreign, *options, "--against", file)
    assert f"recording.npz: the network that was read is not the one that ran. Population {name!r}, sample 1" in line
    assert "step 3, neuron [2]: the potential" in line
    assert not (tmp_path / "out").exists()
    assert "no such file" in error_of(foreign, *options, "--against", tmp_path / "none.npz")


def test_a_framework_that_is_stated_sets_the_whole_reading_and_the_export_prints_it_in_one_line(foreign, tmp_path):
    options = ("--steps", 5, "--input-max", 1, "--out", tmp_path / "out")
    lines = snn_deploy("export", foreign, *options, "--written-by", "spikingjelly", "--dt", 5e-5).stdout.splitlines()
    how = "read as SpikingJelly writes it: time step 5e-05, forward Euler, reset to v_reset, fires at the threshold"
    assert f"{foreign}: {how}" in lines
    assert read_integer_network(tmp_path / "out/network.npz").provenance["nir"]["written_by"] == "spikingjelly"


def test_the_time_step_and_the_discretization_are_the_users(foreign, tmp_path):
    options = ("--steps", 2, "--input-max", 1, "--dt", 5e-5, "--out", tmp_path / "out", "--json")
    result = snn_deploy("export", foreign, *options)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["integer_accuracy"] is None
    assert (read_integer_network(tmp_path / "out/network.npz").populations[0].voltage_keep == 3072).all()


def test_a_trained_network_goes_out_to_nir_and_comes_back_as_the_same_integers(run, exported, tmp_path):
    result = snn_deploy("export", run, "--target", "nir", "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["files"] == [str(tmp_path / "network.nir")]
    result = snn_deploy("export", tmp_path / "network.nir", "--out", tmp_path / "again", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["integer_accuracy"] > 0.5
    there, here = read_integer_network(exported / "network.npz"), read_integer_network(tmp_path / "again/network.npz")
    for one, other in zip(there.connections, here.connections, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.weights, other.weights)
    for one, other in zip(there.populations, here.populations, strict=True):
        np.testing.assert_array_equal(one.threshold, other.threshold)


def test_the_commands_of_the_docs_work_in_this_order(run, foreign, monkeypatch):
    text = (Path(__file__).parents[2] / "docs/nir.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    shutil.copytree(run, foreign.parent / "runs/digits")
    monkeypatch.chdir(foreign.parent)
    for command in map(shlex.split, block.splitlines()):
        result = snn_deploy(*command[1:])
        assert result.exit_code == 0, result.output


def test_wrong_input_is_one_line_and_nothing_is_written(foreign, tmp_path, run):
    assert "NIR does not say the number of time steps (--steps) and the largest value" in error_of(foreign)
    assert "forward Euler diverges" in error_of(foreign, "--steps", 2, "--input-max", 1, "--dt", 1)
    assert "time step -1.0; allowed is a positive" in error_of(foreign, "--dt", -1)
    assert "this is none. Leave them out." in error_of(run, "--steps", 2)
    assert "this is none. Leave them out." in error_of(run, "--against", foreign)
    assert "no such file" in error_of(tmp_path / "missing.nir", "--steps", 2)
    foreign.write_bytes(foreign.read_bytes()[:3000])
    assert "not a whole NIR file" in error_of(foreign, "--steps", 2, "--input-max", 1)
    assert [p.name for p in tmp_path.iterdir()] == ["model.nir"]
