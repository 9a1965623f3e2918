import json
import shutil
import statistics

import pytest
from helpers.cli_help import snn_deploy

VARIANTS = ("--variant", "plain:", "--variant", "sharp:surrogate.temperature=5.0,norm.name=scale_tdbn")


@pytest.fixture(scope="module")
def fast(config):
    """Return the path of a config that trains in a moment."""
    path = config.parent / "fast.toml"
    path.write_text(config.read_text().replace("epochs = 3", "epochs = 2").replace("samples = 1000", "samples = 300"))
    return path


@pytest.fixture(scope="module")
def compared(fast, tmp_path_factory):
    """Return the folder of a comparison and what --json said."""
    out = tmp_path_factory.mktemp("compare") / "out"
    result = snn_deploy("compare", fast, *VARIANTS, "--seeds", 2, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    return out, json.loads(result.stdout)


def _refused(*arguments):
    result = snn_deploy("compare", *arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    return line


def test_means_and_deviations_are_those_of_the_runs(compared):
    out, report = compared
    assert list(report["variants"]) == ["plain", "sharp"]
    for name, variant in report["variants"].items():
        lines = [(out / name / f"seed{s}" / "metrics.jsonl").read_text().splitlines()[-1] for s in range(2)]
        accuracies = [json.loads(line)["test_accuracy"] for line in lines]
        assert variant["test_accuracy"]["mean"] == pytest.approx(statistics.fmean(accuracies))
        assert variant["test_accuracy"]["deviation"] == pytest.approx(statistics.stdev(accuracies))
        rates = [json.loads(line)["measured/spike_rate/conv1"] for line in lines]
        assert variant["layers"]["spike_rate"]["conv1"]["mean"] == pytest.approx(statistics.fmean(rates))
        assert variant["synaptic_operations"]["mean"] > 0
        assert variant["seconds"]["mean"] > 0
        assert [run["seed"] for run in variant["runs"]] == [0, 1]


def test_a_run_of_a_comparison_is_the_run_that_train_makes(compared, fast, tmp_path):
    out, _ = compared
    changes = ["seed=1", "surrogate.temperature=5.0", "norm.name=scale_tdbn", "training.threads=1"]
    result = snn_deploy("train", fast, *(a for c in changes for a in ("--set", c)), "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    ours, theirs = tmp_path / "run/float_network.npz", out / "sharp/seed1/float_network.npz"
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_stopped_comparison_goes_on_with_what_is_missing(compared, fast, tmp_path):
    out, report = compared
    shutil.copytree(out, tmp_path / "out")
    missing, finished = tmp_path / "out/plain/seed1", tmp_path / "out/plain/seed0/float_network.npz"
    shutil.rmtree(missing)
    before = finished.stat().st_mtime_ns
    result = snn_deploy("compare", fast, *VARIANTS, "--seeds", 2, "--out", tmp_path / "out", "--layers")
    assert result.exit_code == 0, result.stderr
    assert finished.stat().st_mtime_ns == before
    assert (missing / "float_network.npz").read_bytes() == (out / "plain/seed1/float_network.npz").read_bytes()
    mean = report["variants"]["plain"]["test_accuracy"]["mean"]
    assert f"{100 * mean:.2f} ±" in result.stdout
    assert "conv2" in result.stdout
    said = {line.partition(":")[0]: line.endswith(", trained before") for line in result.stdout.splitlines()}
    assert (said["plain seed 0"], said["plain seed 1"]) == (True, False)


def test_two_workers_get_what_one_gets(fast, tmp_path):
    # An exponent that needs every potential takes the plain path: new processes compile nothing.
    plain = ("--variant", "plain:losses.rmp_loss.exponent=1.5", "--seeds", 2)
    alone = snn_deploy("compare", fast, *plain, "--out", tmp_path / "1", "--json")
    assert alone.exit_code == 0, alone.stderr
    shutil.copytree(tmp_path / "1/plain/seed0", tmp_path / "2/plain/seed0")  # one worker reads it, one trains
    together = snn_deploy("compare", fast, *plain, "--workers", 2, "--out", tmp_path / "2", "--json")
    assert together.exit_code == 0, together.stderr
    one, two = (json.loads(result.stdout)["variants"]["plain"] for result in (alone, together))
    for key in ("test_accuracy", "spike_rate", "quantization_error", "synaptic_operations"):
        assert one[key] == two[key]
    ours, theirs = (tmp_path / f"{workers}/plain/seed1/float_network.npz" for workers in (1, 2))
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_run_that_fails_is_reported_and_the_others_go_on(fast, tmp_path):
    result = snn_deploy(
        "compare", fast, "--variant", "wild:optimizer.learning_rate=1e30", "--variant", "tame:", "--seeds", 1,
        "--out", tmp_path, "--json",
    )  # fmt: skip
    assert result.exit_code == 1
    variants = json.loads(result.stdout)["variants"]
    assert "the loss is" in variants["wild"]["runs"][0]["error"]
    assert variants["tame"]["runs"][0]["error"] is None
    assert variants["tame"]["test_accuracy"]["deviation"] is None


def test_several_configs_are_named_after_their_files(compared, fast, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(fast.read_text())
    result = snn_deploy("compare", fast, other, "--seeds", 1, "--set", "training.epochs=1", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["fast", "other"]


def test_what_makes_no_sense_is_one_line_before_anything_is_trained(compared, fast, tmp_path):
    out, _ = compared
    assert "two variants are named 'a'" in _refused(fast, "--variant", "a:", "--variant", "a:seed=1", "--out", tmp_path)
    assert "named '../a'" in _refused(fast, "--variant", "../a:", "--out", tmp_path)
    assert "changes one CONFIG" in _refused(fast, fast, "--variant", "a:", "--out", tmp_path)
    assert "Did you mean 'epochs'?" in _refused(
        fast, "--variant", "a:", "--variant", "b:training.epoch=1", "--out", tmp_path
    )
    assert "training.epochs was 2 and is 5" in _refused(
        fast, *VARIANTS, "--set", "training.epochs=5", "--seeds", 2, "--out", out
    )
    assert list(tmp_path.iterdir()) == []
