"""train -> export -> run, verify, energy, on the command line, without Lava."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli_help import as_json, snn_deploy

from snn_deploy.deploy.backends import cpu
from snn_deploy.network.integer_network import read_integer_network, write_integer_network


def test_train_writes_its_config_metrics_checkpoint_and_network(run):
    found = sorted(str(p.relative_to(run)) for p in run.rglob("*") if p.is_file() and "loihi" not in p.parts)
    assert found == ["checkpoints/last.safetensors", "config.toml", "float_network.npz", "metrics.jsonl"]
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [e["epoch"] for e in epochs] == [1, 2, 3]
    assert {"loss/cross_entropy", "loss/im_loss", "spike_rate/conv1", "test_accuracy"} <= epochs[-1].keys()


def test_the_resolved_config_trains_the_same_network_again(run, tmp_path):
    again = tmp_path / "again"
    as_json("train", run / "config.toml", "--out", again)
    assert (again / "float_network.npz").read_bytes() == (run / "float_network.npz").read_bytes()
    assert (again / "checkpoints/last.safetensors").read_bytes() == (run / "checkpoints/last.safetensors").read_bytes()


def test_another_seed_trains_another_network(run, config, tmp_path):
    as_json("train", config, "--set", "seed=4", "--out", tmp_path / "other")
    assert (tmp_path / "other/float_network.npz").read_bytes() != (run / "float_network.npz").read_bytes()


def test_a_finished_run_is_not_written_over_unless_forced(run, config):
    result = snn_deploy("train", config, "--out", run)
    assert result.exit_code == 2
    assert "--force" in result.stderr


def test_export_says_what_it_made(run, tmp_path):
    report = as_json("export", run, "--target", "loihi", "--out", tmp_path)
    assert report["integer_accuracy"] > 0.5
    assert abs(report["integer_accuracy"] - report["float_accuracy"]) < 0.02
    assert [layer["population"] for layer in report["layers"]] == ["conv1", "conv2", "output"]
    for layer in report["layers"]:
        assert 0 < layer["largest_potential"] <= layer["limit"] == 2**23 - 1
        assert -127 <= layer["weights"][0] < layer["weights"][1] <= 127
    assert sorted(p.name for p in tmp_path.iterdir()) == ["network.net", "network.npz"]


def test_the_same_run_exports_the_same_bytes(run, exported, tmp_path):
    as_json("export", run, "--out", tmp_path)
    for name in ("network.npz", "network.net"):
        assert (tmp_path / name).read_bytes() == (exported / name).read_bytes()


def test_fewer_bits_give_smaller_weights(run, tmp_path):
    report = as_json("export", run, "--weight-bits", "4", "--profile", "loihi2", "--out", tmp_path)
    assert all(layer["weights"][0] >= -7 and layer["weights"][1] <= 7 for layer in report["layers"])


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_run_reports_accuracy_spikes_synaptic_operations_and_outputs(exported, backend):
    report = as_json("run", exported, "--backend", backend, "--samples", 30)
    assert report["samples"] == 30
    assert report["accuracy"] > 0.5
    for population in report["populations"]:
        rate = population["spikes"] / population["neurons"] / 3
        assert population["spike_rate"] == pytest.approx(rate)
        assert 0 < rate < 1
    assert [c["connection"] for c in report["connections"]] == ["input-conv1", "conv1-conv2", "conv2-output"]
    assert np.shape(report["outputs"]) == (30, 10)


def test_backends_report_the_same_numbers(exported):
    reports = [as_json("run", exported / "network.npz", "--backend", b, "--samples", 30) for b in ("reference", "cpu")]
    for report in reports:
        del report["backend"]
    assert reports[0] == reports[1]


def test_verify_says_identical_and_counts_the_spikes(exported):
    result = snn_deploy("verify", exported, "--backends", "reference,cpu", "--samples", 20)
    assert result.exit_code == 0
    spikes = as_json("verify", exported, "--backends", "reference,cpu", "--samples", 20)["spikes"]
    assert spikes > 100
    assert f"identical: 20 samples, {spikes} spikes" in result.stdout


def test_verify_names_the_first_difference_and_exits_with_1(exported, monkeypatch):
    right = cpu.run

    def wrong(network, inputs, **options):
        simulation = right(network, inputs, **options)
        simulation.spikes["conv2"][1, 2, 3, 0, 1] ^= 1
        return simulation

    monkeypatch.setattr(cpu, "run", wrong)
    result = snn_deploy("verify", exported, "--backends", "reference,cpu", "--samples", 5)
    assert result.exit_code == 1
    assert "cpu differs from reference: population 'conv2', step 1, sample 2, neuron [3, 0, 1]" in result.stdout


def test_energy_is_an_estimate_whose_terms_add_up(exported):
    report = as_json("energy", exported, "--samples", 50)
    assert "estimate" in report["title"].lower()
    terms = report["spiking"]
    assert sum(t["count"] * t["unit_cost"] for t in terms) == pytest.approx(report["total"])
    assert [t["operation"] for t in terms] == ["multiply-accumulate", "addition", "addition"]
    measured = as_json("run", exported, "--samples", 50)["connections"]
    assert [t["count"] for t in terms[1:]] == pytest.approx([c["synaptic_operations"] for c in measured[1:]])
    assert all(t["source"] and t["unit_cost"] > 0 for t in terms)


def test_a_network_of_other_data_can_be_given_data_by_name(exported, tmp_path):
    network = read_integer_network(exported / "network.npz")
    nameless = tmp_path / "network.npz"
    write_integer_network(replace(network, provenance={}), nameless)
    result = snn_deploy("run", nameless)
    assert result.exit_code == 2
    assert "--data" in result.stderr
    assert as_json("run", nameless, "--data", "digits", "--samples", 5)["samples"] == 5


def test_help_and_version_load_neither_torch_nor_lava():
    program = (
        "import sys; sys.argv = ['snn-deploy', '--help']\n"
        "from snn_deploy.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'lava', 'numba', 'rich', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "train -> export -> verify" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"), [("snn-deploy ver", "verify"), ("snn-deploy run x --work", "--workers")]
)
def test_a_shell_completes_verbs_and_options(words, expected):
    """The protocol of click's script for bash, which README gives."""
    asked = {"_SNN_DEPLOY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = (
        "import sys; sys.argv = ['snn-deploy']; from snn_deploy.cli.main import main; main(prog_name='snn-deploy')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env={**os.environ, **asked}
    )
    assert f"plain,{expected}" in done.stdout.split(), done.stderr
