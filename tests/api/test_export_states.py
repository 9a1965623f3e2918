"""How far states may go, as an export takes it, says it and records it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli_help import snn_deploy as command

import snn_deploy as sd
from snn_deploy.deploy.backends import cpu
from snn_deploy.network.float_network import (
    FloatConnection,
    FloatInput,
    FloatNetwork,
    FloatPopulation,
    read_float_network,
)
from snn_deploy.network.integer_network import read_integer_network


@pytest.fixture(scope="module")
def long_run(run):
    """Return the trained network at 200 steps and without decay, whose proof costs bits."""
    network = read_float_network(run / "float_network.npz")
    keeps_all = [replace(p, voltage_keep=np.ones(p.shape[0])) for p in network.populations]
    return replace(network, steps=200, populations=tuple(keeps_all))


@pytest.fixture(scope="module")
def measured(long_run):
    return sd.export(long_run, states="measured", margin=1, measured_samples=3, measure=True, samples=30)


def test_a_proof_that_costs_more_than_a_bit_is_said_with_what_to_do(long_run):
    result = sd.export(long_run)
    worst = max(result.layers, key=lambda layer: layer.bits_lost_to_bounds)
    assert worst.bits_lost_to_bounds > 1
    said = f"costs {worst.bits_lost_to_bounds:.1f} of 8 weight bits of {worst.population}; --states measured may"
    assert said in str(result)
    assert "bits lost to bounds" in str(result)
    assert result.to_dict()["states"] == {"from": "proof"}
    assert {layer["bits_lost_to_bounds"] for layer in result.to_dict()["layers"]} == {
        layer.bits_lost_to_bounds for layer in result.layers
    }


def test_a_proof_that_costs_nothing_is_not_spoken_of(run):
    text = str(sd.export(run))
    assert "bits lost" not in text
    assert "--states" not in text


def test_measured_states_are_shown_recorded_and_counted_on_test_samples(measured, tmp_path):
    proved = {layer.population: layer for layer in sd.export(measured.export.folded).layers}
    assert any(layer.bits_lost_to_bounds < proved[layer.population].bits_lost_to_bounds for layer in measured.layers)
    for layer in measured.layers:
        assert layer.measured_potential > 0
        assert min(layer.measured_potential, layer.largest_potential) <= layer.limit
        assert layer.measured_potential <= layer.largest_potential + 64 * 200  # rounding of floats to integers
    network = read_integer_network(measured.save(tmp_path).files[0])
    record = network.provenance["export"]["states"]
    assert record["from"] == "training samples"
    assert (record["samples"], record["margin"], record["tested_samples"]) == (3, 1.0, 30)
    counted = sd.verify(network, samples=30, backends=["reference", "cpu"]).inputs[0].verification.overflows
    assert [one.__dict__ for one in counted] == record["overflows"] == measured.to_dict()["overflows"]
    assert sum(one.saturated_potentials for one in counted) > 0
    assert "3 training samples caused in floats; 1 times that, or all that any input can cause, fits 8388607." in str(
        measured
    )
    assert "states beyond 24 bits on 30 test samples" in str(measured)
    assert measured.network.digest == network.digest


def test_two_measured_exports_are_the_same_to_the_last_byte(long_run, measured):
    again = sd.export(long_run, states="measured", margin=1, measured_samples=3, measure=True, samples=30)
    assert again.network.digest == measured.network.digest


def test_an_array_is_measured_as_it_is_given(long_run):
    bare = replace(long_run, provenance={})
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 8, 8), dtype=np.uint8)
    result = sd.export(bare, states="measured", inputs=images)
    record = result.network.provenance["export"]["states"]
    assert record == {"from": "samples that were given", "samples": 2, "margin": 2.0}
    assert "not counted" in str(result)
    with pytest.raises(sd.UserError, match="does not say what it was trained on"):
        sd.export(bare, states="measured")


def test_the_command_line_does_the_same(run, tmp_path):
    options = ["--states", "measured", "--margin", 3, "--measured-samples", 5, "--samples", 20]
    result = command("export", run, "--out", tmp_path, *options, "--json")
    assert result.exit_code == 0, result.stderr
    api = sd.export(run, states="measured", margin=3, measured_samples=5, measure=True, samples=20)
    assert json.loads(result.stdout)["sha256"] == api.network.digest
    assert json.loads(result.stdout)["states"]["margin"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 2}, "--margin 2: is of --states measured"),
        ({"states": "guessed"}, "--states guessed; allowed are proved and measured"),
        ({"states": "measured", "margin": 0.9}, "--margin 0.9; allowed is a number from 1"),
        ({"states": "measured", "measured_samples": -1}, "--measured-samples -1"),
    ],
)
def test_what_it_does_not_take_is_refused(run, options, message):
    with pytest.raises(sd.UserError, match=message):
        sd.export(run, **options)


def test_a_network_in_integers_has_no_states_to_choose(exported):
    with pytest.raises(sd.UserError, match="--states"):
        sd.export(read_integer_network(exported / "network.npz"), states="measured")


def deaf(threshold):
    """Return two neurons that hear at most 2 in each of 3 steps, and forget nothing."""
    layer = FloatPopulation("deaf", (2,), np.asarray(threshold), np.asarray(1.0), np.asarray(0.0))
    output = FloatPopulation("output", (1,), np.asarray(1.0), np.asarray(1.0), np.asarray(0.0), fires=False)
    return FloatNetwork(
        FloatInput("input", (2,), 1, 1.0),
        (layer, output),
        (
            FloatConnection("in", "input", "deaf", np.array([[1.0, 1.0], [1.0, -1.0]])),
            FloatConnection("out", "deaf", "output", np.ones((1, 2))),
        ),
        3,
    )


def test_a_population_that_no_input_makes_fire_is_named_with_its_potential_and_threshold():
    result = sd.export(deaf(6.5))
    (layer, _) = result.layers
    threshold = int(result.network.populations[0].threshold[0]) * 64
    assert layer.highest_potential < threshold
    said = f"deaf can never fire: its largest potential is {layer.highest_potential}, its threshold {threshold}"
    assert said in str(result)
    assert result.to_dict()["never_fire"] == ["deaf"]


def test_a_population_that_one_input_makes_fire_is_not_named():
    result = sd.export(deaf(5.5))
    assert "never fire" not in str(result)
    assert result.to_dict()["never_fire"] == []
    found = sd.verify(result.network, np.array([[1, 1]], np.uint8), ["reference", "cpu"])
    assert found.silent == ()
    assert found.spikes == 1


def test_verify_names_what_never_fired_on_these_inputs_alone():
    network = sd.export(deaf(5.5)).network
    found = sd.verify(network, np.array([[1, 0]], np.uint8), ["reference", "cpu"])
    assert found.is_identical
    assert found.headline() == "identical, but deaf never fired: 1 sample, 0 spikes, on reference, cpu"
    assert found.to_dict()["silent"] == ["deaf"]
    both = sd.verify(network, np.array([[1, 0]], np.uint8), ["reference", "cpu"], kinds=["data", "nasty"])
    assert both.silent == ()  # the nasty inputs are loud enough


def test_an_export_that_runs_no_samples_compiles_for_the_first_verify(monkeypatch):
    ready = []
    monkeypatch.setattr(cpu, "make_ready", ready.append)
    result = sd.export(deaf(5.5))
    assert ready == [result.network]
