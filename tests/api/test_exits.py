"""Early exits of a trained network: fitted on what training held out, measured on test samples, kept, and run."""

import json

import numpy as np
import pytest
from helpers.cli_help import snn_deploy

import snn_deploy as sd
from snn_deploy.deploy.verification.random_network import random_network
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.train.data.splits import validation_samples
from snn_deploy.train.datasets.digits import Dataset


@pytest.fixture(scope="module")
def network(exported):
    return read_integer_network(exported / "network.npz")


@pytest.fixture(scope="module")
def found(network):
    return sd.exits(network, allowed_loss=0.02)


def test_steps_are_fitted_on_what_training_held_out(network, found):
    validation = validation_samples(Dataset(), 0.1, "test")
    assert len(found.fitted.steps) == len(validation.labels)
    ran = sd.run(network, validation.shown, labels=validation.labels, exits=found.policy)
    np.testing.assert_array_equal(ran.exit_steps, found.fitted.steps)
    assert ran.accuracy == found.fitted.accuracy
    assert found.fitted.whole_accuracy == sd.run(network, validation.shown, labels=validation.labels).accuracy


def test_test_samples_are_measured_with_the_fitted_steps(network, found):
    assert found.tested is not None
    ran = sd.run(network, exits=found.policy)
    np.testing.assert_array_equal(ran.exit_steps, found.tested.steps)
    assert ran.accuracy == found.tested.accuracy
    assert found.tested.mean == ran.steps < network.steps
    whole = sd.run(network)
    assert found.tested.whole_accuracy == whole.accuracy
    assert sum(ran.operations.values()) < sum(whole.operations.values())
    text = str(ran)
    assert f"{ran.steps:.2f} of {network.steps} steps on average" in text
    assert ran.to_dict()["exit_steps"] == ran.exit_steps.tolist()


def test_a_users_own_samples_need_labels_and_have_no_test_samples(network):
    validation = validation_samples(Dataset(), 0.1, "test")
    own = sd.exits(network, validation.shown, labels=validation.labels, allowed_loss=0.02)
    assert own.tested is None
    assert own.shown is own.fitted
    with pytest.raises(sd.UserError, match="need labels"):
        sd.exits(network, validation.shown)


def test_the_file_stops_a_run_and_says_what_was_measured(exported, tmp_path):
    result = snn_deploy(
        "exits", exported, "--allowed-loss", 2, "--coverage", 0.9, "--out", tmp_path / "e.json", "--json"
    )
    assert result.exit_code == 0, result.stderr
    fitted = json.loads(result.stdout)
    kept = json.loads((tmp_path / "e.json").read_text())["policy"]
    assert kept["fitted"] == {key: value for key, value in fitted.items() if key != "file"}
    assert sum(fitted["test"]["stopped_in"].values()) == fitted["test"]["samples"]
    assert 0.5 < fitted["test"]["covered"] <= 1
    assert "of the prediction sets hold the class" in result.stderr
    ran = snn_deploy("run", exported, "--exits", tmp_path / "e.json", "--json")
    assert ran.exit_code == 0, ran.stderr
    assert json.loads(ran.stdout)["accuracy"] == fitted["test"]["accuracy"]
    onnx = snn_deploy("run", exported, "--exits", tmp_path / "e.json", "--backend", "onnx", "--samples", 30, "--json")
    assert json.loads(onnx.stdout)["exit_steps"] == json.loads(ran.stdout)["exit_steps"][:30]


def test_by_default_the_file_stands_beside_the_network(exported):
    result = snn_deploy("exits", exported, "--rule", "entropy", "--samples", 40, "--test-samples", 20)
    assert result.exit_code == 0, result.stderr
    assert (exported / "exits.json").exists()
    assert f"wrote {exported / 'exits.json'}" in result.stdout.replace("\n", "")
    (exported / "exits.json").unlink()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--allowed-loss", "-1"], "allowed loss"),
        (["--coverage", "1.5"], "coverage 1.5"),
        (["--samples", "-1"], "--samples -1"),
        (["--data", "mnost"], "mnist"),
    ],
)
def test_wrong_options_are_one_line_and_write_nothing(exported, options, message):
    result = snn_deploy("exits", exported, *options)
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert not (exported / "exits.json").exists()


@pytest.mark.parametrize(
    "option", [["--workers", "2"], ["--record", "all.h5"], ["--explain"], ["--placement", "put.json"]]
)
def test_run_refuses_what_samples_that_stop_do_not_have(exported, found, tmp_path, option):
    path = found.save(tmp_path / "e.json").file
    result = snn_deploy("run", exported, "--exits", path, *option)
    assert result.exit_code == 2
    assert f"--exits goes without {option[0]}" in result.stderr


def test_a_policy_of_another_network_is_refused(found, tmp_path):
    other = random_network(0)
    with pytest.raises(sd.UserError, match="another network"):
        sd.run(other, np.zeros((1, *other.input.shape), np.uint8), exits=found.policy)
    with pytest.raises(sd.UserError, match="not from a file"):
        found.save()
