import json
import shutil
from pathlib import Path

import pytest
from helpers.cli_help import snn_deploy

from snn_deploy.api.plot import _names
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.run.plots import draw
from snn_deploy.train.run.plots_beside import draw_beside

_PNG = b"\x89PNG\r\n\x1a\n"
NAMES = {"training", "spike_rates", "surrogate", "membranes"}


@pytest.fixture(scope="module")
def lines(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def _labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_plot_writes_a_picture_of_each_kind(run, tmp_path):
    result = snn_deploy("plot", run, "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    assert sorted(json.loads(result.stdout)["files"]) == sorted(str(tmp_path / f"{name}.png") for name in NAMES)
    assert {p.stem for p in tmp_path.iterdir()} == NAMES
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(_PNG)


def test_the_curves_are_the_metrics(run, lines):
    figures = draw(read_config(run / "config.toml"), lines)
    accuracy, loss = figures["training"].axes
    assert _labels(accuracy) == ["validation", "training"]
    assert _labels(loss) == ["cross_entropy", "im_loss"]
    assert list(accuracy.lines[0].get_ydata()) == [100 * line["validation_accuracy"] for line in lines]
    (rates,) = figures["spike_rates"].axes
    assert _labels(rates) == ["conv1", "conv2"]
    assert list(rates.lines[1].get_ydata()) == [line["measured/spike_rate/conv2"] for line in lines]
    for figure in figures.values():
        assert all(axes.get_xlabel() or axes is figure.axes[0] for axes in figure.axes if axes.get_visible())


def test_every_layers_potentials_stand_against_its_threshold(run, lines):
    first, second = draw(read_config(run / "config.toml"), lines)["membranes"].axes
    for axes, layer in ((first, "conv1"), (second, "conv2")):
        assert layer in axes.get_title()
        assert axes.lines[0].get_xdata()[0] == 1
        counts = lines[-1][f"measured/membrane_histogram/{layer}"]
        assert axes.patches[0].get_data().values.sum() == pytest.approx(100 * sum(counts[1:-1]) / sum(counts))


def test_a_surrogate_that_evolves_is_drawn_for_several_epochs_and_a_fixed_one_once(run, lines):
    config = read_config(run / "config.toml", ["surrogate={name='esg'}"])
    evolving = [line | {"sharpness": 1.0 + i} for i, line in enumerate(lines)]
    assert len(draw(config, evolving)["surrogate"].axes[0].lines) == 3 + 1  # and the threshold
    fixed = draw(read_config(run / "config.toml"), lines)["surrogate"].axes[0]
    assert _labels(fixed) == ["all epochs (sharpness 3)", "threshold"]


def test_many_layers_and_a_single_epoch_are_drawn_too(run, lines):
    line = dict(lines[0])
    for i in range(3, 20):
        for key in [key for key in line if key.endswith("/conv1")]:
            line[key.replace("conv1", f"conv{i}")] = line[key]
    figures = draw(read_config(run / "config.toml"), [line])
    assert len(figures["membranes"].axes) == 20
    assert len({curve.get_color() for curve in figures["spike_rates"].axes[0].lines}) == 19


def test_without_measured_layers_there_is_no_picture_of_potentials(config, tmp_path):
    arguments = ["--set", "training.measured_samples=0", "--set", "training.epochs=1", "--out", tmp_path / "run"]
    assert snn_deploy("train", config, *arguments).exit_code == 0
    result = snn_deploy("plot", tmp_path / "run")
    assert result.exit_code == 0
    assert "no membranes.png" in result.stdout
    assert {p.stem for p in (tmp_path / "run/plots").iterdir()} == NAMES - {"membranes"}


def test_a_folder_without_a_run_is_refused(tmp_path):
    result = snn_deploy("plot", tmp_path / "none")
    assert result.exit_code == 2
    assert "no run in it" in result.stderr
    assert list(tmp_path.iterdir()) == []


def _beside(tmp_path, run, lines, change=lambda line: line, name="other"):
    """Return the folder of a second run, with changed metrics."""
    other = tmp_path / name
    shutil.copytree(run, other)
    (other / "metrics.jsonl").write_text("".join(json.dumps(change(dict(line))) + "\n" for line in lines))
    return other


def test_runs_beside_each_other_show_every_layers_rate_and_q(run, lines, tmp_path):
    def higher(line):
        return {k: v * 2 if k.startswith(("measured/spike_rate", "measured/quantization")) else v
                for k, v in line.items()}  # fmt: skip

    other = _beside(tmp_path, run, lines, higher)
    result = snn_deploy("plot", run, "--beside", other, "--out", tmp_path / "pictures", "--json")
    assert result.exit_code == 0, result.stderr
    assert {p.stem for p in (tmp_path / "pictures").iterdir()} == {"rates_beside", "membranes_beside"}
    assert all(p.read_bytes().startswith(_PNG) for p in (tmp_path / "pictures").iterdir())
    beside = json.loads(result.stdout)["beside"]
    for layer in ("conv1", "conv2"):
        rate, error = (lines[-1][f"measured/{q}/{layer}"] for q in ("spike_rate", "quantization_error"))
        first, second = (beside[name][layer] for name in beside)
        assert first == {"spike_rate": rate, "quantization_error": error}
        assert second == {"spike_rate": 2 * rate, "quantization_error": 2 * error}
        assert f"{rate:.4f}" in result.stderr
    figures = draw_beside({"a": lines, "b": [higher(line) for line in lines]})
    (rates,) = figures["rates_beside"].axes
    first, last = lines[0]["epoch"], lines[-1]["epoch"]
    assert _labels(rates) == [f"{name}, epoch {epoch}" for name in "ab" for epoch in (first, last)]
    assert list(rates.lines[3].get_ydata()) == [2 * lines[-1][f"measured/spike_rate/{n}"] for n in ("conv1", "conv2")]
    potentials = figures["membranes_beside"].axes[0]
    assert [patch.get_data().values.sum() > 0 for patch in potentials.patches] == [True, True]


def test_runs_are_named_by_what_tells_them_apart():
    assert _names([Path("/a/b/plain/seed0"), Path("/a/b/with/seed0")]) == ["plain", "with"]
    assert _names([Path("/a/b/plain"), Path("/c/with")]) == ["a/b/plain", "c/with"]
    assert len(set(_names([Path("/a/x/one"), Path("/a/one")]))) == 2


def test_runs_that_cannot_stand_beside_each_other_are_one_line(run, lines, tmp_path):
    def renamed(line):
        return {k.replace("/conv2", "/conv9"): v for k, v in line.items()}

    def unmeasured(line):
        return {k: v for k, v in line.items() if not k.startswith("measured/")}

    for change, message in ((renamed, "has the layers conv1, conv9, and"), (unmeasured, "training.measured_samples")):
        other = _beside(tmp_path, run, lines, change, change.__name__)
        result = snn_deploy("plot", run, "--beside", other, "--out", tmp_path / "none")
        assert result.exit_code == 2
        assert message in result.stderr.replace("\n", " ")
    result = snn_deploy("plot", run, "--beside", run, "--out", tmp_path / "none")
    assert result.exit_code == 2
    assert "each run may be named once" in result.stderr
    assert not (tmp_path / "none").exists()
