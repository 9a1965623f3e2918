"""snn-deploy map as a user calls it."""

import json
import re
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from click.testing import CliRunner

from snn_deploy.cli.main import main
from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.cores.placement import read_placement
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    write_integer_network,
)
from snn_deploy.support.counted import counted


@pytest.fixture
def file(tmp_path):
    network = dense(4, 1500)
    write_integer_network(network, tmp_path / "network.npz")
    return tmp_path / "network.npz"


def dense(inputs: int, neurons: int) -> IntegerNetwork:
    zeros = np.zeros(neurons, int)
    return IntegerNetwork(
        IntegerInput("in", (inputs,), 1),
        (IntegerPopulation("out", (neurons,), zeros + 9, zeros + 4096, zeros, zeros),),
        (IntegerConnection("w", "in", "out", np.ones((neurons, inputs))),),
        2,
    )


@pytest.mark.parametrize(
    ("profile", "cores", "left_out"), [("loihi1", 2, "axon identifiers"), ("loihi2", 1, "how Loihi 2 packs")]
)
def test_the_placement_is_written_and_legal_and_what_is_not_counted_is_said(file, tmp_path, profile, cores, left_out):
    out = tmp_path / "placement.json"
    shown = CliRunner().invoke(main, ["map", str(file), "--profile", profile, "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert f"{counted(cores, 'core')} on 1 chip of" in shown.output
    assert "not counted, so a fit is not proved: " + left_out in shown.output
    placement = read_placement(out)
    assert len(placement.cores) == cores
    assert check_placement(dense(4, 1500), placement, load_profile(profile)) == []


def test_what_does_not_fit_exits_1_with_the_layer_and_the_limit(tmp_path):
    write_integer_network(dense(5000, 2), tmp_path / "network.npz")
    out = tmp_path / "placement.json"
    shown = CliRunner().invoke(main, ["map", str(tmp_path / "network.npz"), "--out", str(out)])
    assert shown.exit_code == 1
    assert "does not fit: population 'out' needs 5000 input axons on one core; 4096 are allowed" in shown.output
    assert not out.exists()


def test_too_few_chips_exit_1(file, tmp_path):
    one_core = re.sub(r"(?m)^(cores_usable_per_chip = \{ value = )\d+", r"\g<1>1", files_of_profile("loihi1"))
    (tmp_path / "small.toml").write_text(one_core)
    arguments = ["map", str(file), "--profile", str(tmp_path / "small.toml")]
    enough = CliRunner().invoke(main, [*arguments, "--json"])
    assert enough.exit_code == 0, enough.output
    assert json.loads(enough.stdout)["chips"] == 2
    shown = CliRunner().invoke(main, [*arguments, "--chips", "1"])
    assert shown.exit_code == 1
    assert "does not fit: 2 cores need 2 chips" in shown.output


def files_of_profile(name: str) -> str:
    return resources.files("snn_deploy.hardware_profiles").joinpath(f"{name}.toml").read_text()


def test_for_latency_needs_samples(tmp_path):
    network = dense(4, 20)
    kept = replace(network.output, voltage_keep=np.full(20, 4096))
    write_integer_network(replace(network, populations=(kept,)), tmp_path / "network.npz")
    arguments = ["map", str(tmp_path / "network.npz"), "--storage", "sub-lists"]
    shown = CliRunner().invoke(main, [*arguments, "--for", "latency"])
    assert shown.exit_code == 2
    assert "--samples N" in shown.output
    shown = CliRunner().invoke(main, [*arguments, "--json"])
    assert json.loads(shown.stdout)["storage"] == "sub-lists"


def test_a_profile_without_cores_is_a_mistake(file):
    shown = CliRunner().invoke(main, ["map", str(file), "--profile", "cmos45"])
    assert shown.exit_code == 2
    assert "is a way to count energy, not a chip" in shown.output


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_picture_is_drawn_and_the_facts_are_complete(file, tmp_path, kind):
    picture = tmp_path / f"map.{kind}"
    shown = CliRunner().invoke(main, ["map", str(file), "--profile", "loihi1", "--picture", str(picture), "--json"])
    assert shown.exit_code == 0, shown.output
    assert picture.read_bytes().startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    facts = json.loads(shown.stdout)
    assert facts["lower_bound"] == {
        "cores": 2,
        "each_population_alone": 2,
        "by_resource": {"neurons": 2, "input axons": 1, "synapse words": 1},
    }
    assert [core["resource"] for core in facts["bottlenecks"]] == ["neurons", "neurons"]
    assert facts["spikes"] == "assumed: each neuron fires once"


def test_a_picture_of_another_kind_is_refused(file, tmp_path):
    shown = CliRunner().invoke(main, ["map", str(file), "--picture", str(tmp_path / "map.bmp")])
    assert shown.exit_code == 2
    assert "allowed are files that end with .png or .svg" in shown.output


def test_what_was_tried_and_fits_is_said(tmp_path):
    hidden, out = np.zeros(6000, int), np.zeros(2, int)
    network = IntegerNetwork(
        IntegerInput("in", (2,), 1),
        (
            IntegerPopulation("hidden", (6000,), hidden + 9, hidden + 4096, hidden, hidden),
            IntegerPopulation("out", (2,), out + 9, out + 4096, out, out),
        ),
        (
            IntegerConnection("a", "in", "hidden", np.ones((6000, 2))),
            IntegerConnection("b", "hidden", "out", np.ones((2, 6000))),
        ),
        1,
    )
    write_integer_network(network, tmp_path / "network.npz")
    shown = CliRunner().invoke(main, ["map", str(tmp_path / "network.npz"), "--json"])
    assert shown.exit_code == 1
    (violation,) = json.loads(shown.stdout)["violations"]
    assert (violation["population"], violation["resource"], violation["needed"]) == ("out", "input axons", 6000)
    (suggestion,) = json.loads(shown.stdout)["suggestions"]
    assert suggestion["what"].startswith("prune 2250 of 6000 channels of 'hidden'")


def test_measured_spikes_decide_the_seats(tmp_path):
    zeros = np.zeros(10, int)
    network = IntegerNetwork(
        IntegerInput("in", (1, 8, 8), 255),
        (IntegerPopulation("out", (10,), zeros + 9, zeros + 4096, zeros, zeros),),
        (IntegerConnection("w", "in", "out", np.ones((10, 64))),),
        2,
    )
    write_integer_network(network, tmp_path / "network.npz")
    shown = CliRunner().invoke(
        main, ["map", str(tmp_path / "network.npz"), "--samples", "3", "--data", "digits", "--json"]
    )
    assert shown.exit_code == 0, shown.output
    facts = json.loads(shown.stdout)
    assert (facts["spikes"], facts["spike_hops"]) == ("measured on 3 samples", {"placed": 0.0, "in_layer_order": 0.0})
