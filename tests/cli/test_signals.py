"""Signals go through every verb: values in steps, and maps that convolutions look along the time of."""

import numpy as np
import pytest
from helpers.cli_help import as_json, snn_deploy

from snn_deploy.network.integer_network import read_integer_network

STEPS = """
steps = 12
[data]
name = "time_series"
file = "mine.npz"
[encoder]
name = "delta"
threshold = 40
[model]
layers = "6C3x1-24-2"
[neuron]
voltage_keep = 0.75
[training]
epochs = 6
batch_size = 8
threads = 1
"""
MAP = (
    STEPS.replace("steps = 12", "steps = 2")
    .replace('"mine.npz"', '"mine.npz"\ncolumns = 12')
    .replace('"delta"\nthreshold = 40', '"current"')
    .replace("6C3x1-24-2", "6C1x3S1x2-8C1x3-P1x2-2")
)


@pytest.fixture(scope="module", params=[STEPS, MAP], ids=["steps", "map"])
def run(request, tmp_path_factory):
    """A run in a folder with the data: waves of two frequencies in three channels, of unequal lengths."""
    folder = tmp_path_factory.mktemp("signals")
    rng, labels = np.random.default_rng(0), np.arange(100) % 2
    phase, channel = rng.uniform(0, 6, (100, 1, 1)), np.arange(3).reshape(-1, 1)
    signals = np.sin(np.arange(12) * (0.7 + 0.7 * labels.reshape(-1, 1, 1)) + phase + channel)
    for sample, length in zip(signals, rng.integers(8, 13, 100), strict=True):
        sample[:, length:] = np.nan
    np.savez(folder / "mine.npz", signals=signals, labels=labels)
    (folder / "mine.toml").write_text(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in (("train", "mine.toml", "--out", "run"), ("export", "run")):
            done = snn_deploy(*arguments)
            assert done.exit_code == 0, done.stderr
        yield folder / "run"


def test_every_verb_takes_signals(run, tmp_path):
    ran = as_json("run", run / "loihi")
    assert (ran["samples"], ran["accuracy"] > 0.7) == (20, True)
    verified = as_json("verify", run / "loihi", "--samples", 4, "--backends", "reference,cpu,onnx")
    assert verified["differences"] == [] and verified["spikes"] > 0
    assert as_json("map", run / "loihi", "--samples", 4)["fits"]
    timed = as_json("energy", run / "loihi", "--seconds", 0.5)
    assert timed["range_per_second"] == pytest.approx([2 * joules for joules in timed["range"]])
    reported = snn_deploy(
        "report", run, "--out", tmp_path / "r.html", "--samples", 6, "--compared", 2, "--backends", "reference,cpu"
    )
    assert reported.exit_code == 0, reported.stderr


def test_a_network_keeps_the_encoder_that_it_was_trained_with(run):
    network = read_integer_network(run / "loihi" / "network.npz")
    stated = network.provenance["config"]["encoder"]
    assert stated["name"] == ("delta" if network.steps == 12 else "current")
    assert network.input.largest_value == (1 if stated["name"] == "delta" else 255)
    assert network.input.shape == ((2, 3, 1) if network.steps == 12 else (6, 1, 12))
    taken = snn_deploy("run", run / "loihi", "--data", f"time_series:{run.parent / 'mine.npz'}", "--samples", 2)
    assert taken.exit_code == 0, taken.stderr


def test_an_encoder_of_images_and_data_of_too_many_steps_are_one_line(run, tmp_path):
    digits = ("--set", "data.name=digits", "--set", "model.layers=8-10", "--out", tmp_path / "a")
    refused = snn_deploy("train", run.parent / "mine.toml", *digits)
    assert (refused.exit_code, "[encoder] makes integers of signals" in refused.stderr) == (2, True)
    is_map = "columns" in (run.parent / "mine.toml").read_text()
    short = "data.columns=9" if is_map else "steps=9"
    refused = snn_deploy("train", run.parent / "mine.toml", "--set", short, "--out", tmp_path / "b")
    assert (refused.exit_code, "there is room for 9" in refused.stderr) == (2, True)
    refused = snn_deploy("run", run / "loihi", "--data", "digits", "--samples", 2)
    assert (refused.exit_code, "Choose the data it was trained for" in refused.stderr) == (2, True)
