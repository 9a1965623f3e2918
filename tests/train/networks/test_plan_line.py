"""train/networks/plan_line: a network in one line."""

from snn_deploy.train.models.layer_string import Model
from snn_deploy.train.networks.plan_line import plan_line


def test_a_small_network_is_written_out():
    assert plan_line(Model("16C3-P2-32C3-P2-10").plan((1, 8, 8), 3)) == (
        "network: input 1x8x8, conv1 16x8x8, conv2 32x4x4, dense3 10, output 3; 1,546 spiking neurons, "
        "6,062 trained weights"
    )


def test_of_a_deep_one_the_first_and_the_last_layers_are():
    line = plan_line(Model("-".join(["8C3"] * 12)).plan((1, 8, 8), 10))
    assert line.startswith(
        "network: input 1x8x8, conv1 8x8x8, conv2 8x8x8, conv3 8x8x8, conv4 8x8x8, 8 more, output 10;"
    )
