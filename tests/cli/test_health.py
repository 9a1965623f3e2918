"""export --health and --require."""

import json

import pytest
from helpers.cli_help import snn_deploy


def export(run, folder, *options):
    result = snn_deploy("export", run, "--out", folder, "--samples", 50, "--json", *options)
    return result, json.loads(result.stdout)


def test_the_health_of_each_layer_is_in_json_and_in_the_table(run, tmp_path):
    result, report = export(run, tmp_path, "--health", 10)
    assert result.exit_code == 0, result.stderr
    health = report["health"]
    assert health["samples"] == 10
    assert [layer["population"] for layer in health["layers"]] == ["conv1", "conv2", "output"]
    for layer in health["layers"][:2]:
        assert 0 < layer["rate"] < 1
        assert layer["spike_agreement"] > 0.5
        assert layer["threshold_steps"] > 0
    assert "same spikes" in result.stderr
    assert "the chip holds every one as it was trained, error 0" in result.stderr
    assert all(layer["decay_rounding"] == 0 for layer in health["layers"])
    assert report["broken_limits"] == []


def test_without_it_nothing_is_measured(run, tmp_path):
    assert export(run, tmp_path)[1]["health"] is None


def test_limits_that_hold_are_exit_code_0_and_broken_ones_1_and_named(run, tmp_path):
    kept = "agreement=0,spike_agreement=0,dead=100,saturated=100,rate_drift=100,margin_bits=0,accuracy_drop=100"
    assert export(run, tmp_path, "--require", kept)[0].exit_code == 0
    result, report = export(run, tmp_path, "--require", "margin_bits=20,dead=100,accuracy_drop=-100")
    assert result.exit_code == 1
    assert [line.split()[2] for line in report["broken_limits"]] == ["margin_bits", "accuracy_drop"]
    assert "at least 20 was required" in result.stderr
    assert (tmp_path / "network.npz").is_file()


@pytest.mark.parametrize("text", ["agreemnt=3", "agreement", "agreement=much", "dead=1,dead=2", "dead=nan"])
def test_a_limit_that_is_none_is_refused_before_anything_is_written(run, tmp_path, text):
    result = snn_deploy("export", run, "--out", tmp_path / "new", "--require", text)
    assert result.exit_code == 2
    assert "allowed are NAME=NUMBER, each name once, of accuracy_drop, agreement" in result.stderr
    assert not (tmp_path / "new").exists()
