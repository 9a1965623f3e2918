"""The configs that a search trains with: every one makes sense, or its deployment is ruled out with the reason."""

import pytest

from snn_deploy.search.settings import Deployment, SearchSettings
from snn_deploy.search.trained import checked, config_of
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.read_config import resolved_config


def settings(choices=(), **tables):
    config = {"data": {"name": "digits"}, "steps": 4, "model": {"layers": "8-10"}, "training": {"epochs": 4}} | tables
    return SearchSettings(
        config=resolved_config(config, "test").table(), choices=choices, steps=(4, 2), weight_bits=(8,),
        thresholds=("scalar",), profiles=("loihi2",), objectives=("accuracy",), requirements=(), inherited_epochs=1,
        samples=10, seed=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "epochs"),
    [
        ({}, 1),
        ({"losses": {"rmp_loss": {}}}, 2),  # in a single epoch it would do nothing
        ({"quantization": {"epochs": 3}}, 3),
    ],
)
def test_inherited_trainings_get_the_epochs_that_they_need(tables, epochs):
    asked = settings(**tables)
    checked(asked)
    assert config_of(asked, Deployment((), 4, 8, "scalar", "loihi2")).training.epochs == 4
    assert config_of(asked, Deployment((), 2, 8, "scalar", "loihi2")).training.epochs == epochs


def test_only_the_network_of_the_most_steps_starts_from_a_relu_network():
    asked = settings(ann_first={"epochs": 2})
    checked(asked)
    assert config_of(asked, Deployment((), 4, 8, "scalar", "loihi2")).ann_first.epochs == 2
    assert config_of(asked, Deployment((), 2, 8, "scalar", "loihi2")).ann_first.epochs == 0


def test_a_value_that_fits_with_no_other_stops_the_search_and_one_that_fits_with_some_does_not():
    quantized = ("quantization.epochs", ("0", "1"))
    checked(settings((("norm.name", ("tdbn", "centered_tdbn")), quantized)))
    with pytest.raises(UserError, match="has a shift"):
        checked(settings((("norm.name", ("tdbn",)), quantized)))
    with pytest.raises(UserError, match="centred"):
        checked(settings((("norm.name", ("centered_tdbn", "centred")), quantized)))
