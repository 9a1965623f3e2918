"""A plan of layers in a row is written as the notation that makes it."""

import pytest

from snn_deploy.fitting.chain import layers_of
from snn_deploy.support.user_error import UserError
from snn_deploy.train.models import cifarnet, layer_string, resnet19, vgg11, vgg16


@pytest.mark.parametrize("layers", ["16C3-P2-32C3-P2-10", "4C5S2-8C3-30-20-10", "12-10", "4C1-P4-6C3S3-10"])
def test_a_chain_is_written_as_it_was_given(layers):
    assert layers_of(layer_string.Model(layers).plan((1, 28, 28), 10)) == layers


@pytest.mark.parametrize("model", [vgg11.Model(4), vgg16.Model(4, 16), cifarnet.Model(4)])
def test_named_chains_are_written_too(model):
    plan = model.plan((3, 32, 32), 10)
    assert layer_string.Model(layers_of(plan)).plan((3, 32, 32), 10) == plan


def test_fewer_channels_are_written_where_they_belong():
    plan = layer_string.Model("16C3-P2-32C3-P2-20-10").plan((1, 28, 28), 10)
    assert layers_of(plan, {"conv2": 7, "dense3": 5}) == "16C3-P2-7C3-P2-5-10"


@pytest.mark.parametrize(
    "model", [resnet19.Model(4), layer_string.Model("4C3-12R-10"), layer_string.Model("4C3R-12-10")]
)
def test_what_is_no_chain_is_refused(model):
    with pytest.raises(UserError, match="layers lie in a row"):
        layers_of(model.plan((3, 32, 32), 10))
