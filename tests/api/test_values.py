"""A network that gives values, through every function: none speaks of accuracy, and all read the same potentials."""

import json

import numpy as np
import pytest
import tomli_w
from helpers.cli_help import snn_deploy as command

import snn_deploy as sd
from snn_deploy.api.sources import test_samples as of_test
from snn_deploy.network import float_semantics
from snn_deploy.network.value_errors import value_errors
from snn_deploy.network.value_reading import read_values
from snn_deploy.support.watch import Silent
from snn_deploy.train.datasets.mackey_glass import Dataset

TABLE = {
    "steps": 24,
    "data": {"name": "mackey_glass", "window": 8, "points": 12, "warm_up": 4, "apart": 10, "validation": 0.2},
    "encoder": {"name": "current", "frames": 2},
    "model": {"name": "filtered_output", "layers": "12-1"},
    "neuron": {"voltage_keep": 0.5},
    "norm": {"name": "none"},
    "optimizer": {"name": "adamw", "learning_rate": 0.02},
    "training": {"epochs": 3, "batch_size": 8, "threads": 1, "measured_samples": 4, "synapses": "float32"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sd.train(TABLE, out=tmp_path_factory.mktemp("values") / "run")


@pytest.fixture(scope="module")
def exported(run):
    return sd.export(run.folder, measure=True, health=3).save(run.folder / "loihi")


@pytest.fixture(scope="module")
def samples():
    signals = Dataset(**{k: v for k, v in TABLE["data"].items() if k not in ("name", "validation")}).load("test")
    labels = np.full((len(signals.labels), 24, 1), np.nan)
    labels[:, 1::2] = signals.labels
    return labels


def says_nothing_of_accuracy(result):
    text = "\n".join(map(str, result.blocks())) + result.headline() + json.dumps(result.to_dict())
    return "accura" not in text.replace('"float_accuracy": null', "").replace('"integer_accuracy": null', "")


def test_training_says_how_far_the_values_are_from_the_true_ones(run):
    first, last = run.metrics[0], run.metrics[-1]
    assert last["train_smape"] < first["train_smape"]
    assert (run.accuracy, run.validation_accuracy) == (None, None)
    assert run.smape == last["test_smape"]
    assert 0 < run.smape < 20  # 21.7 is what the mean alone would get
    assert last["validation_smape"] > 0
    assert says_nothing_of_accuracy(run)


def test_the_score_is_that_of_the_networks_own_values(run, samples):
    network = run.network
    assert network.input.shape == (2, 8, 1)
    inputs = of_test(network.provenance, None, 0)
    np.testing.assert_array_equal(inputs.labels, samples)
    potentials = float_semantics.run(network, inputs.shown).potentials["output"]
    values = read_values(network, potentials.reshape(24, -1, 1))
    found = value_errors(values, samples[:, 1::2])
    assert (found.count, pytest.approx(found.smape, rel=1e-3)) == (750, run.smape)
    assert pytest.approx(found.mse, rel=1e-3) == run.mse


def test_an_export_carries_the_scale_to_the_signals_unit(run, exported, samples):
    assert exported.accuracy is None
    assert exported.float_smape == run.smape
    assert exported.errors.smape == pytest.approx(run.smape, rel=0.3)
    assert exported.health.agreement is None
    assert exported.health.values.mse < exported.errors.mse
    assert says_nothing_of_accuracy(exported)
    found = sd.run(exported.network)
    assert found.values.shape == (len(samples), 12, 1)
    assert value_errors(found.values, samples[:, 1::2]) == found.errors == exported.errors
    assert found.accuracy is None
    assert says_nothing_of_accuracy(found)


def test_labels_of_an_array_are_values_of_every_step(exported, samples):
    frames = np.zeros((24, len(samples), 2, 8, 1), np.uint8)
    found = sd.run(exported.network, frames, labels=samples)
    assert found.errors.count == 750
    assert sd.run(exported.network, frames).errors is None
    for wrong in (np.zeros(len(samples), int), samples[:, :, 0], np.full_like(samples, np.nan)):
        with pytest.raises(sd.UserError, match="the network gives values"):
            sd.run(exported.network, frames, labels=wrong)


def test_every_backend_has_the_same_potential_after_every_step(exported):
    found = sd.verify(exported.network, samples=2, backends=["reference", "cpu", "onnx", "lava"])
    assert found.is_identical, found.headline()
    assert found.spikes > 0


def test_a_stream_says_the_values_of_the_run(exported):
    whole = sd.run(exported.network, samples=1)
    series = Dataset(window=8, points=12, warm_up=4, apart=10).load("test").values[0].T  # (time, channels)
    for backend in ("cpu", "reference"):
        decisions = list(sd.stream(exported.network, [series], window=2, backend=backend))
        assert [d.predicted for d in decisions] == [None] * 12
        np.testing.assert_array_equal([d.values for d in decisions], whole.values[0])
    assert "value" in decisions[0].headline()


def test_integers_forecast_alike_on_both_backends_that_keep_state_and_floats_beside_them(run, exported):
    found = {backend: sd.forecast(exported.network, backend=backend) for backend in ("cpu", "reference")}
    np.testing.assert_array_equal(found["cpu"].predicted, found["reference"].predicted)
    assert found["cpu"].spikes == found["reference"].spikes > 0
    assert says_nothing_of_accuracy(found["cpu"])
    truth = Dataset(window=8).series().values
    np.testing.assert_array_equal(found["cpu"].truth, truth[751:])
    floats = sd.forecast(run.folder)
    assert floats.backend == "floats"
    assert floats.one_ahead_errors.smape == pytest.approx(found["cpu"].one_ahead_errors.smape, rel=0.3)
    assert found["cpu"].errors.smape > found["cpu"].one_ahead_errors.smape
    assert 0 <= found["cpu"].valid < 750


def test_a_report_shows_the_series_and_its_prediction(run, exported):
    found = sd.report(run.folder, samples=4, compared=1, backends=["reference", "cpu"])
    assert says_nothing_of_accuracy(found)
    page = found.html
    for text in ("Values in integers", "In a closed loop", "The series and its prediction", "sMAPE by epoch"):
        assert text in page
    assert "ccuracy" not in page
    assert found.findings.values.errors.count < 750
    with pytest.raises(sd.UserError, match="--beside"):
        sd.report(run.folder, samples=4, compared=1, beside=run.folder)


def test_what_weighs_classes_refuses_values_by_name(run, exported, tmp_path):
    with pytest.raises(sd.UserError, match="exits: needs a network that gives classes"):
        sd.exits(exported.network)
    with pytest.raises(sd.UserError, match="fit: needs a network that gives classes"):
        sd.fit(run.folder, cores=1, out=tmp_path / "fit")
    with pytest.raises(sd.UserError, match="search: weighs accuracy"):
        sd.search(run.folder / "config.toml", out=tmp_path / "search")
    with pytest.raises(sd.UserError, match="the network gives values and no classes"):
        sd.export(run.folder, require={"agreement": 99})


def test_a_network_of_classes_is_no_forecaster_and_takes_no_values(exported, run):
    plain = command("forecast", run.folder / "loihi", "--data", "digits", "--json")
    assert plain.exit_code == 2
    assert "no series" in plain.stderr
    with pytest.raises(sd.UserError, match="samples of shape"):
        sd.run(exported.network, "digits")


def test_variants_are_compared_by_smape(tmp_path):
    heard, config = Heard(), tmp_path / "small.toml"
    config.write_text(tomli_w.dumps(TABLE))
    found = sd.compare([config], seeds=1, changes=["training.epochs=1"], out=tmp_path / "compared", watch=heard)
    assert says_nothing_of_accuracy(found)
    assert "sMAPE" in found.headline()
    assert "test sMAPE" in found.blocks()[0].titles
    assert "test sMAPE" in heard.lines[-1]


class Heard(Silent):
    """Keeps the lines that it hears."""

    def __init__(self):
        self.lines = []

    def say(self, line=""):
        self.lines.append(line)


def test_a_config_to_begin_with_has_an_output_that_can_follow_a_signal(tmp_path):
    made = sd.init(tmp_path / "mine.toml", data="mackey_glass")
    text = made.config.read_text()
    assert 'name = "filtered_output"' in text
    assert "steps = 32" in text
