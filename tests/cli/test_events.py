"""Events go through every verb: train, export, run, verify, map, energy, report."""

import pytest
from helpers.cli_help import as_json, snn_deploy

CONFIG = """
steps = 6
[data]
name = "moving_shapes"
steps = 6
samples = 320
size = 12
[model]
layers = "6C3-P2-8C3-P2-8"
[neuron]
voltage_keep = 0.75
[training]
epochs = 2
batch_size = 32
threads = 1
"""


@pytest.fixture(scope="module", params=["surrogate", "time-based"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events") / request.param
    text = CONFIG
    if request.param == "time-based":
        text = 'method = "time-based"\n' + text.replace("voltage_keep = 0.75", 'forgets = "potential"')
    (folder.parent / "events.toml").write_text(text)
    done = snn_deploy("train", folder.parent / "events.toml", "--out", folder)
    assert done.exit_code == 0, done.stderr
    exported = snn_deploy("export", folder)
    assert exported.exit_code == 0, exported.stderr
    return folder


def test_every_verb_takes_sequences(run, tmp_path):
    ran = as_json("run", run / "loihi")
    assert ran["samples"] == 64
    verified = as_json("verify", run / "loihi", "--samples", 5, "--backends", "reference,cpu,onnx")
    assert verified["differences"] == []
    mapped = as_json("map", run / "loihi", "--profile", "loihi1", "--samples", 5, "--out", tmp_path / "placement.json")
    assert mapped["fits"]
    operations = sum(c["synaptic_operations"] for c in ran["connections"])
    energy = as_json("energy", run / "loihi")
    assert sum(t["count"] for t in energy["spiking"]) == pytest.approx(operations)  # 0/1 frames: nothing is multiplied
    placed = as_json("energy", run / "loihi", "--profile", "loihi1", "--placement", tmp_path / "placement.json")
    assert placed["range"][0] > 0
    assert len(placed["estimates"]) == 3  # Loihi 1 was measured three times
    timed = as_json("energy", run / "loihi", "--seconds", 0.25)
    assert timed["range_per_second"] == pytest.approx([4 * joules for joules in timed["range"]])
    reported = snn_deploy(
        "report", run, "--out", tmp_path / "r.html", "--samples", 10, "--compared", 2, "--backends", "reference,cpu"
    )
    assert reported.exit_code == 0, reported.stderr


def test_steps_that_do_not_agree_are_one_line(run, tmp_path):
    refused = snn_deploy("train", run.parent / "events.toml", "--out", tmp_path / "a", "--set", "steps=4")
    assert (refused.exit_code, "set both to the same number" in refused.stderr) == (2, True)
    taken = snn_deploy("run", run / "loihi", "--data", "moving_shapes", "--samples", 2)
    assert taken.exit_code == 0, taken.stderr  # with the steps and size that it was trained with
    augmented = ("--set", "augmentations.cutout={}", "--out", tmp_path / "b")
    refused = snn_deploy("train", run.parent / "events.toml", *augmented)
    assert (refused.exit_code, "changes images, not sequences" in refused.stderr) == (2, True)
