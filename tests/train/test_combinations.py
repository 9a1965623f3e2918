import pytest

from snn_deploy.train.config import resolved_config
from snn_deploy.user_error import UserError


def _config(**sections):
    return resolved_config({"data": {"name": "digits"}, "model": {"layers": "4C3-P2-10"}, **sections}, "test.toml")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"training": {"epochs": 2}, "quantization": {"epochs": 3}}, "quantization.epochs 3 of training.epochs 2"),
        ({"norm": {"name": "tdbn"}, "quantization": {"epochs": 1}}, "'tdbn' has a shift: a bias"),
        ({"neuron": {"voltage_keep": 0.3}, "quantization": {"epochs": 1}}, "no whole number of 1/4096"),
        ({"training": {"epochs": 1}, "losses": {"rmp_loss": {}}}, "so it would do nothing"),
        ({"training": {"synapses": "amx", "device": "cuda"}}, "'amx' is for CPUs"),
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
    ],
)
def test_each_half_of_such_a_pair_is_allowed(sections):
    _config(**sections)
