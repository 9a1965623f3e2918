"""snn-deploy search: a small one from the command line, stopped and gone on with, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from helpers.cli_help import snn_deploy
from helpers.small_config import SMALL_CONFIG
from PIL import Image

import snn_deploy as sd
from snn_deploy.deploy.backends import cpu
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.support.one_writer import one_writer
from snn_deploy.train.datasets.digits import Dataset

pytest.importorskip("optuna")

_ONLY_A_HANG = 600  # seconds
SMALL = ["--weight-bits", "8,4", "--thresholds", "scalar", "--steps", "4,2", "--samples", 60, "--verify", 2]


def wait_for_points(running, folder, count):
    """Return when `count` points are written, or when the process that would write them has ended."""
    deadline = time.monotonic() + _ONLY_A_HANG
    while len(list(folder.glob("points/*/point.json"))) < count and running.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("search") / "small.toml"
    path.write_text(SMALL_CONFIG)
    return path


@pytest.fixture(scope="module")
def found(config):
    folder = config.parent / "found"
    result = snn_deploy("search", config, *SMALL, "--out", folder, "--json")
    assert result.exit_code == 0, result.stderr
    return folder, json.loads(result.stdout), result.stderr


def test_every_point_of_the_front_is_a_network_that_verifies(found):
    folder, report, text = found
    assert (report["tried"], report["pruned"]) == (4, 0)
    assert report["front"]
    assert any("loihi2, step time: on the networks measured on chips" in line for line in report["model_errors"])
    test = Dataset().load("test").first(60)
    for point in report["front"]:
        assert point["identical"] is True
        assert point["verification"].startswith("identical: 2 samples")
        network = read_integer_network(folder / "points" / point["network"].split("/")[-2] / "network.npz")
        assert network.steps == point["deployment"]["steps"]
        assert verify(network, test.first(3).shown, ["reference", "cpu"]).is_identical
        assert point["test_accuracy"] == (cpu.run(network, test.shown).classes == test.labels).mean()
        assert point["epochs"] == {4: 2, 2: 3}[network.steps]  # fewer steps start from the network of more
        assert point["measures"]["energy"] > 0
    accuracies = [p["measures"]["accuracy"] for p in report["front"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert "every spike of 2 samples was compared on reference, cpu, onnx" in text
    assert json.loads((folder / "front.json").read_text())["front"] == report["front"]
    with Image.open(folder / "front.png") as picture:
        assert picture.width > 600


def test_one_training_per_number_of_steps_and_the_fewer_inherit(found):
    runs = sorted(p for p in (found[0] / "trained").iterdir() if p.is_dir())
    assert [p.name.split("-")[1] for p in runs] == ["steps2", "steps4"]
    short, long = (len((run / "metrics.jsonl").read_text().splitlines()) for run in runs)
    assert (short, long) == (1, 2)


def test_resuming_a_finished_search_prints_the_same_front_at_once(config, found):
    folder, report, _ = found
    before = sorted((p, p.stat().st_mtime_ns) for p in (folder / "trained").rglob("*.npz"))
    again = snn_deploy("search", config, *SMALL, "--out", folder, "--json", "--resume")
    assert again.exit_code == 0
    assert json.loads(again.stdout) == report
    assert before == sorted((p, p.stat().st_mtime_ns) for p in (folder / "trained").rglob("*.npz"))


def test_a_killed_search_goes_on_to_the_same_front(config, found, tmp_path):
    """Two workers, killed with their group once the first point is there."""
    _, report, _ = found
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "snn_deploy.cli.main", "search", config, *SMALL, "--out", folder, "--workers", "2"]
    running = subprocess.Popen([str(word) for word in command], start_new_session=True, stderr=subprocess.DEVNULL)
    wait_for_points(running, folder, 1)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    again = snn_deploy("search", config, *SMALL, "--out", folder, "--json", "--resume")
    assert again.exit_code == 0, again.stderr
    ended = json.loads(again.stdout)
    assert ended["tried"] == 4
    assert [p["measures"] for p in ended["front"]] == [p["measures"] for p in report["front"]]


def test_early_exits_are_searched_and_every_measure_is_up_to_them(config, tmp_path):
    options = ["--weight-bits", 8, "--thresholds", "scalar", "--steps", "4,1", "--samples", 0, "--verify", 2]
    asked = [*options, "--allowed-losses", "none,3", "--objectives", "mean_steps,accuracy,energy,latency"]
    result = snn_deploy("search", config, *asked, "--out", tmp_path / "s", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["tried"], report["pruned"]) == (4, 1)
    assert "pruned: exits: the network has a single step" in result.stderr
    points = [json.loads(path.read_text()) for path in (tmp_path / "s").glob("points/*/point.json")]
    of = {(p["deployment"]["steps"], p["deployment"]["allowed_loss"]): p["measures"] for p in points}
    whole, early = of[4, None], of[4, 0.03]
    assert whole["mean_steps"] == 4 > early["mean_steps"] > 1
    for name in ("energy", "latency", "operations"):
        assert early[name] < whole[name]
    assert (early["cores"], early["chips"]) == (whole["cores"], whole["chips"])
    (found,) = (p for p in report["front"] if p["deployment"]["allowed_loss"] == 0.03)
    assert found["verification"].startswith("identical up to the exits: 2 samples")
    network = tmp_path / "s/points" / found["network"].split("/")[-2]
    ran = sd.run(network, exits=network / "exits.json")
    assert found["test_accuracy"] == ran.accuracy
    assert 1 < ran.steps < 4
    again = snn_deploy("search", config, *asked, "--out", tmp_path / "s", "--json", "--resume")
    assert json.loads(again.stdout) == report
    assert snn_deploy("search", config, *options, "--out", tmp_path / "s", "--resume").exit_code == 2


def test_networks_that_were_made_to_fit_are_searched(config, tmp_path):
    options = ["--weight-bits", "8,4", "--thresholds", "scalar", "--steps", "2,1", "--samples", 50, "--verify", 1]
    wide = ["--set", "model.layers=50C3-P2-24C3-P2-10", "--set", "training.samples=96"]
    asked = [*options, *wide, "--fit-cores", "none,3,1", "--objectives", "cores,accuracy"]
    result = snn_deploy("search", config, *asked, "--out", tmp_path / "s", "--json")
    assert result.exit_code == 0, result.stderr
    assert "12 deployments, 6 trained networks" in result.stderr
    report = json.loads(result.stdout)
    points = [json.loads(path.read_text()) for path in (tmp_path / "s").glob("points/*/point.json")]
    reached = {}
    for point in points:
        if not point["pruned"]:
            deployment, cores = point["deployment"], point["measures"]["cores"]
            reached.setdefault(deployment["fitted_cores"], []).append(cores)
    assert all(cores > 3 for cores in reached[None])
    assert len(reached[3]) == 4 and all(cores <= 3 for cores in reached[3])
    assert 1 not in reached  # three layers take three cores, whatever goes
    assert report["pruned"] == 4
    assert "pruned: does not fit 1 core: comes to 3 cores" in result.stderr
    (best, *_) = report["front"]
    assert best["deployment"]["fitted_cores"] == 3
    assert best["epochs"] == sum([2, 1] if best["deployment"]["steps"] == 2 else [2, 1, 1])
    assert best["identical"] is True
    again = snn_deploy("search", config, *asked, "--out", tmp_path / "s", "--json", "--resume")
    assert json.loads(again.stdout) == report


def test_mappings_with_short_steps_are_searched_and_are_those_of_place(config, tmp_path):
    options = ["--weight-bits", 8, "--thresholds", "scalar", "--steps", 2, "--samples", 50, "--verify", 1]
    asked = [*options, "--for", "cores,latency", "--objectives", "latency,cores"]
    result = snn_deploy("search", config, *asked, "--out", tmp_path / "s", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["tried"] == 2
    of = {p["deployment"]["placed_for"]: p for p in report["front"]}
    assert list(of) == ["latency", "cores"]
    quick, few = of["latency"]["measures"], of["cores"]["measures"]
    assert quick["latency"] < few["latency"]
    assert quick["cores"] > few["cores"]
    assert {k: quick[k] for k in ("accuracy", "operations")} == {k: few[k] for k in ("accuracy", "operations")}
    network = tmp_path / "s/points" / of["latency"]["network"].split("/")[-2]
    assert sd.place(network, samples=50).cores == few["cores"]
    assert sd.place(network, samples=50, objective="latency").cores == quick["cores"]
    assert "placed for" in snn_deploy("search", config, *asked, "--out", tmp_path / "s", "--resume").stdout


def test_what_breaks_a_requirement_is_pruned_and_never_on_the_front(config, tmp_path):
    options = ["--weight-bits", "8,2", "--steps", 4, "--thresholds", "scalar", "--samples", 100, "--verify", 1]
    result = snn_deploy("search", config, *options, "--require", "accuracy>=101", "--out", tmp_path / "a", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["pruned"] == 2
    assert "nothing that was tried keeps what is required" in result.stderr
    result = snn_deploy("search", config, *options, "--require", "cores<=0", "--out", tmp_path / "b", "--json")
    assert "pruned: cores<=0: found " in result.stderr
    for path in (tmp_path / "b").glob("points/*/point.json"):
        assert "accuracy" not in json.loads(path.read_text())["measures"]  # pruned before a sample was shown


def test_a_space_larger_than_the_trials_is_sampled(config, tmp_path):
    options = ["--weight-bits", "8,7,6,5,4", "--steps", 2, "--samples", 20, "--verify", 1, "--trials", 3]
    result = snn_deploy("search", config, *options, "--out", tmp_path / "s", "--json", "--set", "training.samples=64")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["tried"] == 3  # one that is chosen twice counts once


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "4,x"], "--steps 4,x; allowed are whole numbers from 1"),
        (["--steps", "4,4"], "one or more different values"),
        (["--weight-bits", "9,12"], "12 bits; loihi2 stores signed weights"),
        (["--thresholds", "both"], "--thresholds both; allowed are scalar, per-channel"),
        (["--profiles", "cmos45"], "not a chip"),
        (["--allowed-losses", "none,little"], "allowed are none and points of accuracy"),
        (["--allowed-losses", "none,-1"], "shares from 0, below 1"),
        (["--allowed-losses", "none,none"], "one or more different values"),
        (["--fit-cores", "none,half"], "allowed are none and whole numbers from 1"),
        (["--fit-cores", "0"], "allowed are None and whole numbers from 1"),
        (["--fit-cores", "3,3"], "one or more different values"),
        (["--fit-cores", "3", "--set", "method=time-based"], "only networks of 'surrogate' are made to fit"),
        (["--objectives", "speed"], "--objectives speed; allowed are accuracy"),
        (["--require", "energy=5"], "Allowed are MEASURE<=NUMBER"),
        (["--choose", "norm.name"], "write KEY=A|B|C"),
        (["--choose", "norm.nme=tdbn|none"], "nme"),
        (["--choose", "steps=1|2"], "write --steps"),
    ],
)
def test_wrong_options_are_one_line_and_write_nothing(config, tmp_path, options, message):
    result = snn_deploy("search", config, *options, "--out", tmp_path / "none")
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_that_is_told_to_end_prints_what_it_found_and_goes_on_later(config, tmp_path, workers):
    folder = tmp_path / "stopped"
    space = ["--weight-bits", "8,7,6,5,4,3", "--thresholds", "scalar", "--steps", "4,2,1", "--samples", 60]
    command = [sys.executable, "-m", "snn_deploy.cli.main", "search", config, *space, "--verify", 1, "--out", folder]
    running = subprocess.Popen(
        [str(word) for word in [*command, "--workers", workers, "--json"]],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # A worker writes its second point after the journal knows of its first.
    wait_for_points(running, folder, workers + 1)
    os.killpg(running.pid, signal.SIGTERM)
    out, err = running.communicate(timeout=_ONLY_A_HANG)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    ended = json.loads(out)
    assert ended["interrupted"]
    assert 1 <= ended["tried"] < 18
    assert ended["front"]
    assert (folder / "front.json").exists()
    assert "Go on with --resume" in err


def test_two_searches_never_share_a_folder(config, tmp_path):
    with one_writer(tmp_path / "s"):
        for option in ([], ["--resume"]):
            second = snn_deploy("search", config, *SMALL, "--out", tmp_path / "s", *option)
            assert second.exit_code == 2
            assert f"process {os.getpid()} (since " in second.stderr
        assert [p.name for p in (tmp_path / "s").iterdir()] == [".writer"]


def test_what_a_killed_search_left_half_written_is_removed_by_the_next(config, found):
    folder, report, _ = found
    left = [folder / ".front.json.ab12.json", folder / "journal.log.lock", next((folder / "points").iterdir()) / ".x"]
    for path in left:
        path.write_text("half")
    again = snn_deploy("search", config, *SMALL, "--out", folder, "--json", "--resume")
    assert json.loads(again.stdout) == report
    assert not any(path.exists() for path in left)


def test_choices_that_do_not_fit_together_are_pruned_and_the_others_are_tried(config, tmp_path):
    choices = ["--choose", "norm.name=tdbn|centered_tdbn", "--choose", "quantization.epochs=0|1"]
    options = ["--weight-bits", "8", "--thresholds", "scalar", "--steps", 2, "--samples", 20, "--verify", 1]
    small = ["--set", "training.samples=64", "--set", "losses.rmp_loss.weight=0.1"]
    result = snn_deploy("search", config, *options, *choices, *small, "--out", tmp_path / "s", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["tried"], found["pruned"]) == (4, 2)  # tdbn and quantization; tdbn has a shift that loihi2 has not
    assert "has a shift: a bias in every step" in result.stderr
