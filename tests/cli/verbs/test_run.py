"""snn-deploy run on the CPU simulator: how it adds is said, and an interrupt keeps what was done."""

import json

import h5py
import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.deploy.backends import cpu

OPTIONS = ("--samples", 6, "--json")


def test_explain_names_a_path_for_every_connection_and_changes_nothing(exported):
    plain = json.loads(snn_deploy("run", exported, *OPTIONS).stdout)
    result = snn_deploy("run", exported, *OPTIONS, "--explain")
    found = json.loads(result.stdout)
    paths = found.pop("paths")
    assert [line.partition(":")[0] for line in paths] == [c["connection"] for c in plain["connections"]]
    assert all("frames" in line and line in result.stderr for line in paths)
    assert found == plain


@pytest.mark.parametrize("path", ["int8", "float32", "event", "wide"])
def test_a_forced_path_gives_the_same_numbers(exported, path):
    plain = json.loads(snn_deploy("run", exported, *OPTIONS).stdout)
    forced = json.loads(snn_deploy("run", exported, *OPTIONS, "--backend", f"cpu:{path}").stdout)
    assert forced == {**plain, "backend": f"cpu:{path}"}


def test_explain_is_refused_where_there_is_nothing_to_explain(exported):
    result = snn_deploy("run", exported, *OPTIONS, "--backend", "reference", "--explain")
    assert result.exit_code == 2
    assert "--explain: backend 'reference' has nothing to explain; only cpu has" in result.stderr


def test_an_interrupt_reports_the_samples_that_were_done(exported, monkeypatch):
    def interrupting(chunks):
        def run(self, schedule):
            chunks.append(self)
            if len(chunks) == 3:
                raise KeyboardInterrupt
            return finish(self, schedule)

        return run

    finish = cpu.Chunk.run
    monkeypatch.setattr(cpu, "_SAMPLES_AT_A_TIME", 2)
    four = json.loads(snn_deploy("run", exported, "--samples", 4, "--json").stdout)
    monkeypatch.setattr(cpu.Chunk, "run", interrupting([]))
    result = snn_deploy("run", exported, *OPTIONS)
    assert result.exit_code == 130
    assert "Interrupted: what follows is of the first 4 of 6 samples." in result.stderr
    assert json.loads(result.stdout) == {**four, "interrupted": True}


def test_an_interrupt_before_the_first_samples_reports_nothing(exported, monkeypatch):
    def run(self, schedule):
        raise KeyboardInterrupt

    monkeypatch.setattr(cpu.Chunk, "run", run)
    result = snn_deploy("run", exported, *OPTIONS)
    assert (result.exit_code, result.stdout) == (130, "")


def test_processes_that_share_the_samples_are_said_or_refused(exported):
    plain = snn_deploy("run", exported, "--samples", 9, "--json")
    shared = snn_deploy("run", exported, "--samples", 9, "--json", "--workers", 2)
    assert (shared.exit_code, shared.stdout) == (0, plain.stdout)
    assert "9 samples shared by 2 processes" in shared.stderr
    refused = snn_deploy("run", exported, "--samples", 2, "--workers", 2, "--backend", "lava")
    assert (refused.exit_code, "processes of its own" in refused.stderr) == (2, True)
    refused = snn_deploy("run", exported, "--samples", 2, "--workers", 2, "--placement", "none.json")
    assert refused.exit_code == 2


def test_a_recording_is_written_and_changes_nothing(exported, tmp_path):
    plain = snn_deploy("run", exported, *OPTIONS)
    result = snn_deploy("run", exported, *OPTIONS, "--record", tmp_path / "all.h5")
    assert (result.exit_code, result.stdout) == (0, plain.stdout)
    with h5py.File(tmp_path / "all.h5") as file:
        found = json.loads(plain.stdout)
        for population in found["populations"]:
            spikes = file["spikes"][population["population"]]
            assert spikes[:].sum() / len(spikes) == population["spikes"]
        assert file["outputs"][:].tolist() == found["outputs"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--record", "all.npz"), "allowed are files that end with .h5 or .hdf5"),
        (("--record", "all.h5", "--workers", 2), "in one process"),
        (("--record", "all.h5", "--backend", "reference"), "what the cpu backend does"),
        (("--record", "/proc/none/all.h5"), "cannot be written"),
    ],
)
def test_what_cannot_be_recorded_is_one_line(exported, options, words):
    result = snn_deploy("run", exported, *OPTIONS, *options)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert "Traceback" not in result.stderr
