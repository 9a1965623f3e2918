"""Combinations of choices: what makes no sense is refused with the reason, and everything else trains."""

import itertools
import pkgutil

import pytest
import torch

from snn_deploy.support.user_error import UserError
from snn_deploy.train import losses, norms, surrogates
from snn_deploy.train.config.combinations import require_fitting
from snn_deploy.train.config.read_config import resolved_config
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Progress, TrainingState
from snn_deploy.train.run.epoch import TrainingContext, train_epoch
from snn_deploy.train.run.loop import train
from snn_deploy.train.run.run_start import build_network


def _config(**sections):
    return resolved_config({"data": {"name": "digits"}, "model": {"layers": "4C3-P2-10"}, **sections}, "test.toml")


VALUES = {"data": {"name": "mackey_glass"}, "model": {"layers": "8"}}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"training": {"epochs": 2}, "quantization": {"epochs": 3}}, "quantization.epochs 3 of training.epochs 2"),
        ({"norm": {"name": "tdbn"}, "quantization": {"epochs": 1}}, "'tdbn' has a shift: a bias"),
        ({"neuron": {"voltage_keep": 0.3}, "quantization": {"epochs": 1}}, "no whole number of 1/4096"),
        ({"neuron": {"name": "adaptive_lif"}, "quantization": {"epochs": 1}}, "quantization .* whose thresholds adapt"),
        ({"neuron": {"name": "adaptive_lif"}, "ann_first": {"epochs": 1}}, "ann_first .* Set ann_first.epochs to 0"),
        ({"training": {"epochs": 1}, "losses": {"rmp_loss": {}}}, "so it would do nothing"),
        ({"neuron": {"name": "spike_response"}}, "'time-based' and 'spike_response' belong together"),
        ({"method": "time-based", "neuron": {"name": "lif"}}, "'time-based' and 'spike_response' belong together"),
        ({"method": "time-based", "norm": {"name": "tdbn"}}, "allowed: threshold_standardization, weight"),
        ({"norm": {"name": "threshold_standardization"}}, "allowed: every other norm"),
        ({"method": "time-based", "losses": {"im_loss": {}}}, "im_loss, which acts on potentials"),
        ({"losses": {"enhanced_counting": {}}}, "enhanced_counting, which counts the output's spikes"),
        ({"method": "time-based", "quantization": {"epochs": 1}}, "which trains in floats"),
        ({"losses": {"mean_squared_error": {}}}, "mean_squared_error is about values, .* has classes"),
        ({**VALUES, "losses": {"tet": {}}}, "tet is about classes, .* has values"),
        (
            {**VALUES, "method": "time-based"},
            "its output fires, and values are read from potentials|acts on potentials",
        ),
        ({**VALUES, "ann_first": {"epochs": 1}}, "a ReLU network has one output"),
        ({**VALUES, "augmentations": {"flip": {}}}, "a class stays the same for, and a value does not"),
    ],
)
def test_a_pair_that_makes_no_sense_is_refused_with_the_reason(sections, message):
    with pytest.raises(UserError, match=message) as refused:
        _config(**sections)
    assert str(refused.value).startswith("test.toml: ")


@pytest.mark.parametrize(
    "sections",
    [
        {"training": {"epochs": 2}, "quantization": {"epochs": 2}},
        {"norm": {"name": "tdbn"}},
        {"neuron": {"voltage_keep": 0.3}},
        {"neuron": {"voltage_keep": 0.3, "learns_voltage_keep": True}, "quantization": {"epochs": 1}},
        {"training": {"epochs": 2}, "losses": {"rmp_loss": {}}},
        {"method": "time-based"},
        {"method": "time-based", "norm": {"name": "weight_standardization"}, "losses": {"counting": {}}},
        VALUES,
        {**VALUES, "losses": {"mean_squared_error": {"weight": 2.0}}},
    ],
)
def test_each_half_of_such_a_pair_is_allowed(sections):
    _config(**sections)


@pytest.mark.parametrize("loss", ["im_loss", "rmp_loss"])
def test_a_regularizer_that_constrains_no_layer_is_refused(loss, tmp_path):
    config = _config(model={"layers": "10"}, losses={loss: {}}, training={"epochs": 2, "samples": 40})
    with pytest.raises(UserError, match=f"losses.{loss}: constrains no layer of model.name 'layer_string'"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_augmentations_of_samples_that_are_no_images_are_refused():
    config = _config(model={"layers": "5-2"}, augmentations={"flip": {}})
    require_fitting(config, config.model.options.plan((1, 8, 8), 2))
    with pytest.raises(UserError, match=r"augmentations.flip: changes images .* have the shape \(6,\)"):
        require_fitting(config, config.model.options.plan((6,), 2))


def _names(package):
    return [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]


NORMS = [n for n in _names(norms) if n != "threshold_standardization"]  # only for time-based training
REGULARIZERS = [n for n in _names(losses) if n in ("im_loss", "rmp_loss")]


@pytest.mark.parametrize(
    ("norm", "surrogate", "loss"), list(itertools.product(NORMS, _names(surrogates), REGULARIZERS))
)
def test_every_norm_with_every_surrogate_and_regularizer_trains_a_batch(norm, surrogate, loss):
    config = _config(
        norm={"name": norm},
        surrogate={"name": surrogate},
        losses={loss: {}},
        training={"epochs": 2, "batch_size": 24, "threads": 1},
    )
    samples = config.data.options.load("train").first(24)
    network = build_network(config, samples, torch.Generator().manual_seed(1))
    before = {name: value.clone() for name, value in network.named_parameters()}
    state = TrainingState(network, torch.optim.SGD(network.parameters(), lr=0.1), torch.Generator())
    (progress,) = train_epoch(TrainingContext(config, samples, state, network, Processes()), Progress())
    assert progress.totals[f"loss/{loss}"] > 0
    for name, value in network.named_parameters():
        assert value.isfinite().all()
        assert not torch.equal(value, before[name]), name
