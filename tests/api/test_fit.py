"""A fit ends within what was asked for, as verified integers, and goes on after a stop as if there had been none."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.chain_run import CHAIN
from helpers.cli_help import snn_deploy

import snn_deploy as sd
from snn_deploy.deploy.mapping.fit_trade import read_trade
from snn_deploy.network.float_network import read_float_network
from snn_deploy.support.user_error import UserError
from snn_deploy.train.run.loop import Watcher

LAYERS = "50C3-P2-24C3-P2-10"  # 2 cores of Loihi 2 for the first layer, and one for each of the others
HOW = {"cores": 3, "rounds": 2, "samples": 60, "verify_samples": 2}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    table = {**CHAIN, "model": {"layers": LAYERS}, "norm": {"name": "centered_tdbn"}}
    return sd.train(table, out=tmp_path_factory.mktemp("whole") / "run").folder


@pytest.fixture(scope="module")
def fitted(whole, tmp_path_factory):
    return sd.fit(whole, out=tmp_path_factory.mktemp("fitted") / "fit", **HOW)


def content(folder: Path):
    """Return every file of a fit, without what names its folder."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix != ".png")
    return {str(p.relative_to(folder)): p.read_bytes().replace(str(folder).encode(), b"FIT") for p in files}


def test_it_takes_no_more_than_was_asked_for_and_is_verified(whole, fitted):
    assert fitted.fits
    assert fitted.is_identical
    assert [s.measures.cores for s in fitted.stages] == [4, 3, 3]
    placed = sd.place(fitted.exported.network)
    assert (placed.chip.name, placed.cores) == ("loihi2", 3)
    assert fitted.stages[0].folder == whole
    assert fitted.exported.accuracy > 0.5
    assert fitted.verified.spikes > 0


def test_every_stage_is_an_ordinary_run_of_the_layers_that_it_says(fitted):
    for stage in fitted.stages[1:]:
        network = read_float_network(stage.folder / "float_network.npz")
        assert network.provenance["config"]["model"] == {"name": "layer_string", "layers": stage.layers}
        assert sd.place(sd.export(stage.folder).network).cores == stage.measures.cores
    last = network.provenance["config"]
    assert (last["training"]["epochs"], last["quantization"]["epochs"]) == (2, 1)
    again = sd.train(start_from=stage.folder, out=stage.folder.parent / "again", changes=["steps=2"])
    assert again.network.steps == 2
    report = sd.report(stage.folder, samples=20, compared=1, backends=["reference", "cpu"])
    assert report.findings.fitted == read_trade(fitted.folder / "trade.json")
    assert "4 → 3 cores" in report.html
    assert stage.layers in report.html


def test_the_trade_is_written_as_it_was_returned(fitted):
    written = asdict(read_trade(fitted.folder / "trade.json"))
    assert list(written["stages"]) == list(fitted.to_dict()["stages"])
    assert [s["run"] for s in written["stages"][1:]] == ["stage1", "stage2"]
    assert (fitted.folder / "trade.png").read_bytes().startswith(b"\x89PNG")
    assert "3 cores on 1 chip of Intel Loihi 2, before 4 cores" in str(fitted)


@pytest.mark.parametrize("stop", ["stage1 epoch1", "stage2 batch", "stage2 epoch1", "export"])
def test_a_fit_that_was_stopped_goes_on_to_the_same_bytes(stop, whole, fitted, tmp_path, monkeypatch):
    stages, out = [0], tmp_path / "fit"

    def started(epochs):
        stages[0] += 1

    def batch(epoch, number, batches, means):
        if stop == f"stage{stages[0]} batch" and number == 3:
            raise KeyboardInterrupt

    def epoch(metrics):
        if stop == f"stage{stages[0]} epoch{metrics['epoch']}":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        if stop == "export":
            patched.setattr("snn_deploy.api.fit.export", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
        sd.fit(whole, out=out, watcher=Watcher(started, batch, epoch), **HOW)
    result = sd.fit(whole, out=out, resume=True, **HOW)

    found, expected = content(out), content(fitted.folder)
    assert found.keys() == {name for name in expected if not name.startswith("again/")}
    for name, written in found.items():
        assert written == expected[name], name
    assert result.exported.network.digest == fitted.exported.network.digest


def test_a_fit_goes_on_with_the_same_settings_only(whole, fitted):
    with pytest.raises(UserError, match="with other targets"):
        sd.fit(whole, out=fitted.folder, resume=True, **{**HOW, "cores": 2})
    with pytest.raises(UserError, match="holds a fit"):
        sd.fit(whole, out=fitted.folder, **HOW)


def test_a_choice_that_was_edited_is_refused(whole, fitted, tmp_path):
    out = tmp_path / "fit"
    (out / "stage1").mkdir(parents=True)
    (out / "fit.json").write_bytes((fitted.folder / "fit.json").read_bytes())
    choice = json.loads((fitted.folder / "stage1" / "stage.json").read_text())
    choice["stage"]["channels"]["conv1"] = [49]
    (out / "stage1" / "stage.json").write_text(json.dumps(choice))
    with pytest.raises(UserError, match="damaged or edited"):
        sd.fit(whole, out=out, resume=True, **HOW)


def test_what_fits_already_stays_as_it_is(whole, tmp_path):
    result = sd.fit(whole, out=tmp_path / "fit", **{**HOW, "cores": 4})
    assert result.fits
    assert len(result.stages) == 1
    assert result.exported.files[0].parent == tmp_path / "fit" / "loihi"
    assert result.exported.network.digest == sd.export(whole).network.digest


def test_what_cannot_fit_says_how_near_it_came(whole, tmp_path):
    printed = snn_deploy("fit", whole, "--cores", 1, "--rounds", 1, "--samples", 20, "--verify", 1, "--out", tmp_path)
    assert printed.exit_code == 1
    assert "3 cores on 1 chip of Intel Loihi 2, before 4 cores" in printed.stdout
    assert "asked for: 1 core, and nothing more that was tried comes nearer" in printed.stdout


def test_a_busiest_core_works_no_longer_than_was_asked_for(whole, tmp_path):
    before = sd.fit(whole, out=tmp_path / "a", busiest_us=1000, samples=60, verify_samples=1).stages[0].measures
    wanted = 0.6 * before.busiest * 1e6
    result = sd.fit(whole, out=tmp_path / "b", busiest_us=wanted, samples=60, rounds=1, verify_samples=1)
    assert result.fits
    assert result.stages[-1].measures.busiest * 1e6 <= wanted
    assert "busiest core" in str(result)


def test_magnitude_takes_the_same_share_of_every_layer(whole, tmp_path):
    result = sd.fit(whole, out=tmp_path, criterion="magnitude", rounds=1, samples=20, cores=3, verify_samples=1)
    assert result.fits
    first, second = (int(word.split("C")[0]) for word in result.stages[-1].layers.split("-") if "C" in word)
    assert abs(first / 50 - second / 24) < 0.05


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rounds": 0}, "--rounds 0; allowed is a whole number from 1"),
        ({"samples": 0}, "--samples 0"),
        ({"epochs": 0}, "--epochs 0 with --rounds 2"),
        ({"cores": 0}, "--cores 0; allowed is a number above 0"),
        ({"busiest_us": float("inf")}, "--busiest-us inf"),
        ({"backends": ["referense"]}, "reference"),
        ({"criterion": "random"}, "allowed are taylor and magnitude"),
        ({"chip": "loihi1"}, "an input is 0 or 1"),
        ({"changes": ["training.epoch=3"]}, "no key 'epoch'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_trained(changed, said, whole, tmp_path):
    with pytest.raises(UserError, match=said):
        sd.fit(whole, out=tmp_path / "fit", **{**HOW, **changed})
    assert not (tmp_path / "fit").exists()


def test_a_network_with_shortcuts_is_refused(tmp_path):
    table = {**CHAIN, "model": {"name": "resnet20", "width": 2}, "steps": 1}
    table["training"] = {**CHAIN["training"], "samples": 50}
    run = sd.train(table, out=tmp_path / "run").folder
    with pytest.raises(UserError, match="layers lie in a row"):
        sd.fit(run, cores=1, out=tmp_path / "fit")


def test_options_of_the_other_use_are_refused(whole, config):
    found = snn_deploy("fit", whole, "--cores", 3, "--density", 0.5)
    assert found.exit_code == 2
    assert "--density: needs --before-training" in found.stderr
    found = snn_deploy("fit", config, "--before-training", "--rounds", 2)
    assert "--rounds: is of a trained run" in found.stderr
    found = snn_deploy("fit", config)
    assert "is a config" in found.stderr


@pytest.fixture(scope="module")
def spikes_for_loihi1(tmp_path_factory):
    table = {
        "steps": 4,
        "data": {"name": "moving_shapes", "steps": 4},
        "model": {"layers": "8C3-P2-1000-8"},
        "training": {"epochs": 2, "samples": 300, "measured_samples": 0, "batch_size": 50, "threads": 1},
    }
    return sd.train(table, out=tmp_path_factory.mktemp("sparse") / "run").folder


def test_synapses_that_went_stay_0_in_floats_and_integers(spikes_for_loihi1, tmp_path):
    how = {"chip": "loihi1", "samples": 40, "rounds": 1, "verify_samples": 2, "prune": "synapses"}
    result = sd.fit(spikes_for_loihi1, out=tmp_path / "fit", cores=5, **how)
    first, *_, last = result.stages
    assert (first.layers, first.measures.cores) == (last.layers, 7)
    assert result.fits
    assert result.is_identical
    assert last.density < 0.5 < first.density
    choices = [json.loads((s.folder / "stage.json").read_text())["stage"]["synapses"] for s in result.stages[1:]]
    floats = read_float_network(last.folder / "float_network.npz")
    for c, whole in zip(floats.connections, result.exported.network.connections, strict=True):
        share = max(choice.get(c.name, 0.0) for choice in choices)
        assert (c.weights == 0).mean() == pytest.approx(share, abs=1e-3)
        assert not whole.weights[c.weights == 0].any()
    assert "weights not 0" in str(result)


def test_synapses_do_not_go_on_a_chip_that_stores_every_one(whole, tmp_path):
    with pytest.raises(UserError, match="loihi2 stores a weight of 0 like any other"):
        sd.fit(whole, out=tmp_path / "fit", prune="synapses", **HOW)
