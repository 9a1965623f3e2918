"""What both methods' networks share: the weights that are drawn, and what of a plan is refused."""

import pytest
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.networks.network import with_steps
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedInput, PlannedPopulation
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.time_based_network import TimeBasedNetwork

METHODS = [(SpikingNetwork, "lif"), (TimeBasedNetwork, "spike_response")]


def built(method, *more, fires=False):
    network, neuron = method
    plan = NetworkPlan(
        PlannedInput("input", (1, 4, 4)),
        (PlannedPopulation("conv1", (2, 4, 4)), PlannedPopulation("output", (3,), fires=fires)),
        (
            PlannedConnection("input-conv1", "input", "conv1", (2, 1, 3, 3), padding=(1, 1)),
            PlannedConnection("conv1-output", "conv1", "output", (3, 32), has_norm=False),
            *more,
        ),
    )
    no_norm = load_plugin("train.norms", "none").Norm()
    neurons = load_plugin("train.neurons", neuron).Neuron()
    return network(plan, neurons, no_norm, no_norm, torch.Generator().manual_seed(7))


def test_both_methods_draw_the_same_weights_within_the_square_root_of_the_fan_in():
    spiking, timed = (built(method) for method in METHODS)
    assert set(spiking.state_dict()) == set(timed.state_dict()) == {"weights.input-conv1", "weights.conv1-output"}
    for name, weights in spiking.state_dict().items():
        assert torch.equal(weights, timed.state_dict()[name])
        assert weights.abs().max() <= (9 if "input" in name else 32) ** -0.5
    assert spiking.first_weights is spiking.weights["input-conv1"]


@pytest.mark.parametrize("method", METHODS)
def test_only_a_layer_s_own_loop_may_be_delayed(method):
    loop = PlannedConnection("output-output", "output", "output", (3, 3), delay=1)
    assert built(method, loop).plan.loop_of(built(method, loop).plan.output) == loop
    late = PlannedConnection("input-conv1.late", "input", "conv1", (2, 1, 1, 1), delay=1)
    with pytest.raises(UserError, match=f"{late.name!r}: goes back or is delayed; only a layer's own loop may"):
        built(method, late)


def test_a_convolution_may_feed_itself_but_in_time_based_training():
    loop = PlannedConnection("conv1-conv1", "conv1", "conv1", (2, 2, 1, 1), delay=1)
    assert built(METHODS[0], loop).plan.loop_of(built(METHODS[0]).plan.populations[0]) == loop
    with pytest.raises(UserError, match="'conv1-conv1': a convolution that feeds itself; in time-based training only"):
        built(METHODS[1], loop)


def test_time_based_training_refuses_an_identity_shortcut():
    identity = PlannedConnection("input-conv1.id", "input", "conv1", (2, 1, 1, 1), fixed_weight=2.0)
    assert not list(built(METHODS[0], identity).norm(identity).parameters())
    with pytest.raises(UserError, match=r"an identity shortcut; time-based training has none"):
        built(METHODS[1], identity)


def test_an_output_that_fires_is_refused_where_the_losses_read_its_potential():
    with pytest.raises(UserError, match="'output': fires, but the losses need an accumulating output"):
        built(METHODS[0], fires=True)


def test_an_image_gets_an_axis_of_one_step_and_a_sequence_stays():
    plan = built(METHODS[0]).plan
    assert with_steps(torch.zeros(5, 1, 4, 4), plan).shape == (1, 5, 1, 4, 4)
    assert with_steps(torch.zeros(6, 5, 1, 4, 4), plan).shape == (6, 5, 1, 4, 4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_weights_of_zero_stay_zero_where_they_are_kept(method, optimizer):
    def zeros_after_three_batches(keeps_zeros):
        network = built(method)
        network.keeps_zeros = keeps_zeros
        with torch.no_grad():
            for weights in network.weights.values():
                weights[weights.abs() < weights.abs().median()] = 0
        before = {name: weights == 0 for name, weights in network.weights.items()}
        made = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[optimizer]
        steps = made(network.parameters(), lr=0.1, weight_decay=0.01)
        for _ in range(3):
            steps.zero_grad()
            sum((network.effective_weights(c) - 1).square().sum() for c in network.plan.connections).backward()
            steps.step()
        used = [network.effective_weights(c)[before[c.name]] for c in network.plan.connections]
        return torch.cat(used)

    assert (zeros_after_three_batches(True) == 0).all()
    assert (zeros_after_three_batches(False) != 0).all()
