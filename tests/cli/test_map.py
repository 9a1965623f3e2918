"""snn-deploy map as a user calls it."""

import json
import re
from importlib import resources

import numpy as np
import pytest
from click.testing import CliRunner

from snn_deploy.cli.main import main
from snn_deploy.deploy.check_placement import check_placement
from snn_deploy.deploy.placement import read_placement
from snn_deploy.export.integer_network import (
    IntegerConnection,
    IntegerInput,
    IntegerNetwork,
    IntegerPopulation,
    write_integer_network,
)
from snn_deploy.hardware_profiles.profile import load_profile


@pytest.fixture
def file(tmp_path):
    network = dense(4, 1500)
    write_integer_network(network, tmp_path / "network.npz")
    return tmp_path / "network.npz"


def dense(inputs: int, neurons: int) -> IntegerNetwork:
    zeros = np.zeros(neurons, int)
    return IntegerNetwork(
        IntegerInput("in", (inputs,), 1),
        (IntegerPopulation("out", (neurons,), zeros + 9, zeros, zeros, zeros),),
        (IntegerConnection("w", "in", "out", np.ones((neurons, inputs))),),
        2,
    )


@pytest.mark.parametrize(("profile", "cores"), [("loihi1", 2), ("loihi2", 1)])
def test_the_placement_is_written_and_legal_and_what_is_not_counted_is_said(file, tmp_path, profile, cores):
    out = tmp_path / "placement.json"
    shown = CliRunner().invoke(main, ["map", str(file), "--profile", profile, "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert f"{cores} cores on 1 chips" in shown.output
    assert "not counted, so a fit is not proved: wider indices" in shown.output
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


def test_a_profile_without_cores_is_a_mistake(file):
    shown = CliRunner().invoke(main, ["map", str(file), "--profile", "cmos45"])
    assert shown.exit_code == 2
    assert "mapping needs a neurocore" in shown.output
