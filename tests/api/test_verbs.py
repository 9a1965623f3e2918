"""Every verb of the command line says what its function in the Python API says, number for number."""

import json
from pathlib import Path

import click
import numpy as np
import pytest
from helpers.cli_help import snn_deploy as command

import snn_deploy as sd
from snn_deploy.cli.main import main
from snn_deploy.support.result import Result, Table

TIMES = {"seconds", "batch_seconds", "samples_per_second"}


def without_times(value):
    """Return `value` without what differs from run to run, and without the folders of a test."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    if isinstance(value, list):
        return [without_times(v) for v in value]
    return value


def call_train(run, exported, config, tmp_path):
    yield ["train", config, "--set", "training.epochs=1", "--out", tmp_path / "a"]
    yield sd.train(config, out=tmp_path / "a", changes=["training.epochs=1"], force=True)


def call_export(run, exported, config, tmp_path):
    options = ["--health", 3, "--samples", 50, "--weight-bits", 5, "--thresholds", "per-channel"]
    yield ["export", run, "--out", tmp_path, *options]
    yield sd.export(run, weight_bits=5, per_channel=True, measure=True, samples=50, health=3).save(tmp_path)


def call_verify(run, exported, config, tmp_path):
    yield ["verify", exported, "--backends", "reference,cpu,onnx", "--samples", 3, "--inputs", "data,random"]
    yield sd.verify(exported, backends=["reference", "cpu", "onnx"], samples=3, kinds=["data", "random"])


def call_run(run, exported, config, tmp_path):
    yield ["run", exported, "--samples", 7, "--explain"]
    yield sd.run(exported, samples=7, explain=True)


def call_map(run, exported, config, tmp_path):
    yield ["map", exported, "--samples", 5, "--profile", "loihi2"]
    yield sd.place(exported, samples=5)


def call_energy(run, exported, config, tmp_path):
    yield ["energy", exported, "--samples", 5, "--profile", "loihi2", "--seconds", 0.1]
    yield sd.energy(exported, samples=5, profile="loihi2", seconds=0.1)


def call_report(run, exported, config, tmp_path):
    options = ["--samples", 20, "--compared", 2, "--profile", "loihi2", "--backends", "reference,cpu"]
    yield ["report", run, "--out", tmp_path / "report.html", *options]
    found = sd.report(run, samples=20, compared=2, backends=["reference", "cpu"])
    yield found.save(tmp_path / "report.html")


def call_init(run, exported, config, tmp_path):
    yield ["init", tmp_path / "a.toml", "--data", "digits", "--set", "steps=3"]
    (tmp_path / "a.toml").unlink()
    yield sd.init(tmp_path / "a.toml", data="digits", changes=["steps=3"])


def call_exits(run, exported, config, tmp_path):
    yield ["exits", exported, "--samples", 50, "--test-samples", 40, "--coverage", 0.9, "--out", tmp_path / "e.json"]
    yield sd.exits(exported, samples=50, test_samples=40, coverage=0.9).save(tmp_path / "e.json")


def call_fit(run, exported, config, tmp_path):
    options = ["--cores", 2, "--rounds", 1, "--samples", 20, "--verify", 2]  # three layers take three
    yield ["fit", run, "--out", tmp_path / "fit", *options]
    yield sd.fit(run, out=tmp_path / "fit", cores=2, rounds=1, samples=20, verify_samples=2, resume=True)


def call_search(run, exported, config, tmp_path):
    options = ["--steps", "3,2", "--weight-bits", "8", "--thresholds", "scalar", "--samples", 20, "--verify", 2]
    yield ["search", config, "--out", tmp_path / "search", *options]
    tried = {"steps": (3, 2), "weight_bits": (8,), "thresholds": ("scalar",), "samples": 20, "verify": 2}
    yield sd.search(config, out=tmp_path / "search", resume=True, **tried)


def call_compare(run, exported, config, tmp_path):
    yield ["compare", config, "--seeds", 1, "--set", "training.epochs=1", "--out", tmp_path / "compared"]
    yield sd.compare([config], seeds=1, changes=["training.epochs=1"], out=tmp_path / "compared")


def call_forecast(run, exported, config, tmp_path):
    table = {"steps": 12, "data": {"name": "mackey_glass", "window": 6, "points": 12, "apart": 50, "validation": 0}}
    table |= {"model": {"name": "filtered_output", "layers": "6-1"}, "norm": {"name": "none"}}
    predicting = sd.train({**table, "training": {"epochs": 1, "threads": 1}}, out=tmp_path / "predicting")
    yield ["forecast", predicting.folder]
    yield sd.forecast(predicting.folder)


def call_fuzz(run, exported, config, tmp_path):
    yield ["fuzz", "--networks", 2, "--backends", "reference,cpu"]
    yield sd.fuzz(2, backends=["reference", "cpu"])


def call_plot(run, exported, config, tmp_path):
    yield ["plot", run, "--out", tmp_path]
    yield sd.plot(run, tmp_path)


def call_profiles(run, exported, config, tmp_path):
    yield ["profiles", "loihi2"]
    yield sd.profile("loihi2")


def call_doctor(run, exported, config, tmp_path):
    yield ["doctor"]
    yield sd.doctor()


CALLS = {name.removeprefix("call_"): call for name, call in list(globals().items()) if name.startswith("call_")}
# The demo is made of the others; help prints pages.
WITHOUT_A_FUNCTION = {"demo", "help"}


@pytest.fixture(scope="module", params=CALLS)
def both_ways(request, run, exported, config, tmp_path_factory):
    """Return what a verb printed as JSON and what its function returned; each is done once for all tests."""
    steps = CALLS[request.param](run, exported, config, tmp_path_factory.mktemp(request.param))
    printed = command(*next(steps), "--json")
    assert printed.exit_code in (0, 1), printed.stderr
    return json.loads(printed.stdout), next(steps)


def test_a_verb_prints_the_dictionary_of_its_function(both_ways):
    printed, result = both_ways
    assert isinstance(result, Result)
    assert without_times(printed) == without_times(json.loads(json.dumps(result.to_dict())))


def test_a_result_has_a_short_repr_and_shows_itself_in_a_notebook(both_ways):
    _, result = both_ways
    assert type(result).__name__ in repr(result)
    assert len(repr(result)) < 300
    assert "\n" not in repr(result)
    html = result._repr_html_()
    for block in result.blocks():
        assert isinstance(block, str | Table)
        if isinstance(block, Table):
            assert all(len(row) == len(block.titles) for row in block.rows)
            assert "<table>" in html


def test_what_fits_before_training_is_printed_as_its_function_says(config):
    options = ["--chip", "loihi1", "--cores", 1, "--set", "coding=ttfs", "--set", "model.layers=30C3-10"]
    printed = command("fit", config, "--before-training", *options, "--json")
    assert printed.exit_code == 1
    changes = ["coding=ttfs", "model.layers=30C3-10"]
    found = sd.fit_before_training(config, chip="loihi1", cores=1, changes=changes)
    assert json.loads(printed.stdout) == json.loads(json.dumps(found.to_dict()))


def test_every_verb_has_a_function():
    verbs = set(main.list_commands(click.Context(main)))
    assert verbs - WITHOUT_A_FUNCTION == set(CALLS)


def test_four_bits_per_channel_as_trained_are_exported_by_both_ways(config, tmp_path):
    run = sd.train(
        config,
        out=tmp_path / "run",
        changes=["quantization.epochs=1", "quantization.weight_bits=4", "quantization.per_channel=true"],
    )
    printed = json.loads(command("export", run.folder, "--json").stdout)
    exported = sd.export(run.network)
    assert exported.limits.weight_bits == printed["weight_bits"] == 4
    assert exported.limits.per_channel
    assert exported.network.digest == printed["sha256"]


def test_networks_and_samples_come_as_values_or_as_files(run, exported):
    images = np.random.default_rng(0).integers(0, 17, (4, 1, 8, 8), dtype=np.uint8)
    network = sd.export(run).network
    by_value = sd.run(network, images, labels=np.zeros(4, int))
    by_file = sd.run(exported, images)
    np.testing.assert_array_equal(by_value.outputs, by_file.outputs)
    assert by_value.accuracy == (by_value.classes == 0).mean()
    assert by_file.accuracy is None
    assert "label ?" in str(by_file)


def test_a_placement_takes_a_recorded_run_and_gives_energy_and_latency(exported, tmp_path):
    recorded = sd.run(exported, samples=4, record=True)
    placed = sd.place(exported, spikes=recorded)
    assert placed.fits
    measured = sd.place(exported, samples=4)
    assert placed.to_dict() == measured.to_dict()
    assert placed.energy(recorded).to_dict() == sd.energy(exported, samples=4, profile="loihi2").to_dict()
    assert placed.latency(recorded) == sd.latency(exported, samples=4)
    assert placed.save(tmp_path / "p.json").is_file()
    with pytest.raises(sd.UserError, match="record=True"):
        sd.place(exported, spikes=sd.run(exported, samples=4))


def test_what_does_not_fit_is_a_result_with_violations_and_suggestions(exported, tmp_path):
    text = Path(sd.__file__).parent.joinpath("hardware_profiles/loihi2.toml").read_text()
    small = tmp_path / "small.toml"
    small.write_text(text.replace("max_in_axons = { value = 4096", "max_in_axons = { value = 4"))
    assert small.read_text() != text
    placed = sd.place(exported, chip=str(small))
    assert not placed.fits
    assert placed.violations
    with pytest.raises(sd.UserError, match="does not fit"):
        _ = placed.placement


def test_a_saved_export_names_its_files_and_an_unknown_target_writes_nothing(run, tmp_path):
    exported = sd.export(run)
    assert [p.name for p in exported.save(tmp_path / "a", "onnx").files] == ["network.npz", "network.onnx"]
    with pytest.raises(sd.UserError, match=r"target 'loihi3'. Did you mean 'loihi'\?"):
        exported.save(tmp_path / "b", "loihi3")
    assert not (tmp_path / "b").exists()


def test_a_run_shows_its_own_data_where_nothing_is_given(exported):
    found = sd.run(exported, samples=5)
    assert len(found.outputs) == 5
    assert found.accuracy is not None
    with pytest.raises(sd.UserError, match="--samples 100000"):
        sd.run(exported, samples=100000)
    with pytest.raises(sd.UserError, match="labels"):
        sd.run(exported, labels=np.zeros(5))
