"""NeuroBench's metrics are what a slow count finds, and what its harness finds where the two networks differ in form.

That they are equal metric by metric on the same torch modules: tests/docs/test_neurobench_table.py.
"""

import numpy as np
import pytest
import torch
from helpers.script import script as load_script
from helpers.small_network import one_neuron

from snn_deploy.deploy.energy.neurobench_counts import neurobench_counts
from snn_deploy.deploy.energy.neurobench_footprint import footprint
from snn_deploy.deploy.verification.random_network import Features, random_inputs, random_network
from snn_deploy.interchange.from_torch import from_torch
from snn_deploy.network import integer_semantics
from snn_deploy.network.connection_arithmetic import sum_pool, transmit


def slow_operations(network, c, spikes, is_pooled):
    """Return MACs and ACs of a sample: inputs that are not 0 through weights that are not 0, with the textbook sum."""
    sums = {"mac": 0, "ac": 0}
    for t in range(c.delay, network.steps):
        seen = spikes[t - c.delay].astype(np.int64)
        if is_pooled:
            seen = sum_pool(seen, c.pool)
        reached = transmit(
            (seen != 0).astype(np.int64),
            (c.weights != 0).astype(np.int64),
            stride=c.stride,
            padding=c.padding,
            dilation=c.dilation,
            groups=c.groups,
            pool=(1, 1) if is_pooled else c.pool,
        )
        sums["ac" if np.isin(seen, (0, 1)).all() else "mac"] += int(reached.sum())
    return sums["mac"] / spikes.shape[1], sums["ac"] / spikes.shape[1]


@pytest.mark.parametrize("seed", range(12))
def test_operations_updates_and_sparsity_are_those_of_a_slow_count(seed):
    network = random_network(seed)
    frames = random_inputs(network, 5, seed, static=False)
    found, trace = neurobench_counts(network, frames), integer_semantics.run(network, frames)
    for c, layer, on_chip in zip(network.connections, found.layers, found.deployed, strict=True):
        spikes = frames if c.source == network.input.name else trace.spikes[c.source]
        for is_pooled, counted in ((True, layer), (False, on_chip)):
            assert (counted.macs, counted.acs) == pytest.approx(slow_operations(network, c, spikes, is_pooled)), c.name
            assert counted.macs + counted.acs <= counted.dense
    for p in network.populations:
        updates = trace.left[p.name][0].size + np.count_nonzero(np.diff(trace.left[p.name], axis=0))
        assert found.membrane_updates[p.name] == pytest.approx(updates / 5)
        if p.fires:
            assert found.sparsity[p.name] == pytest.approx(1 - trace.spikes[p.name].mean())


@pytest.fixture(scope="module")
def script():
    for package in ("neurobench", "snntorch"):
        pytest.importorskip(
            package, reason=f"{package} is not installed (the groups neurobench and frameworks have it)"
        )
    return load_script("docs/neurobench_table.py")


def compared(script, module, shape, batch=0, largest=1):
    """Return what the harness finds on `module`, and the counts and the footprint of the network that it becomes.

    The first sample is of 0 and 1, whatever the largest value of the others.
    """
    rng = np.random.default_rng(0)
    frames = (rng.random((5, 6, *shape)) < 0.4).astype(int)
    frames[:, 1:] *= largest
    network = from_torch(module, shape, 5, largest_value=largest, scale=1.0)
    theirs = script.harness(module, frames, np.zeros(6, int), batch)
    return theirs, neurobench_counts(network, frames), footprint(network)


def test_smaller_batches_move_operations_from_macs_to_acs_and_change_no_sum(script):
    torch.manual_seed(2)
    module = script.convolutions()
    whole, found, _ = compared(script, module, (1, 8, 8), largest=9)
    small, _, _ = compared(script, module, (1, 8, 8), batch=1, largest=9)
    whole, small = whole["SynapticOperations"], small["SynapticOperations"]
    assert sum(o.macs for o in found.layers) == pytest.approx(whole["Effective_MACs"])
    assert small["Effective_MACs"] < whole["Effective_MACs"]
    for these in (whole, small):
        found_all = sum(o.macs + o.acs for o in found.layers)
        assert these["Effective_MACs"] + these["Effective_ACs"] == pytest.approx(found_all)


def test_a_norm_that_was_folded_leaves_a_bias_and_no_parameters_of_its_own(script):
    torch.manual_seed(3)
    module = script.convolutions()
    conv = torch.nn.Conv2d(1, 8, 3, padding=1, bias=False)
    norm = torch.nn.BatchNorm2d(8)
    norm.bias.data.uniform_(0.1, 0.2)
    module = torch.nn.Sequential(script.rounded(conv), norm, *list(module)[1:]).eval()
    theirs, found, bytes_ = compared(script, module, (1, 8, 8))
    assert theirs["ParameterCount"] - bytes_.parameters == 8  # gain and shift of 8 channels become one bias of each
    # 8 gains, 8 means, 8 variances, the norm's counter of batches; 12 of snnTorch's in each of three layers
    assert theirs["Footprint"] - bytes_.total == 4 * 3 * 8 + 8 + 3 * 12
    assert sum(o.dense for o in found.layers) == theirs["SynapticOperations"]["Dense"]
    assert found.activation_sparsity == pytest.approx(theirs["ActivationSparsity"], abs=0.01)  # float32 beside float64


def test_a_reset_one_step_later_is_a_connection_that_the_harness_does_not_see(script):
    import snntorch  # noqa: PLC0415 - optional

    torch.manual_seed(4)
    leaky = [snntorch.Leaky(0.5, threshold=0.5, init_hidden=True, output=last) for last in (False, True)]
    layers = (torch.nn.Linear(9, 12), leaky[0], torch.nn.Linear(12, 4), leaky[1])
    theirs, found, bytes_ = compared(script, script.rounded(torch.nn.Sequential(*layers)), (9,))
    own = {o.connection: o for o in found.layers if o.connection not in ("0", "2")}
    assert len(own) == 2
    layers_alone = [o for o in found.layers if o.connection in ("0", "2")]
    assert sum(o.acs for o in layers_alone) == pytest.approx(theirs["SynapticOperations"]["Effective_ACs"])
    assert sum(o.dense for o in layers_alone) == theirs["SynapticOperations"]["Dense"]
    assert bytes_.parameters > theirs["ParameterCount"]
    assert found.activation_sparsity == pytest.approx(theirs["ActivationSparsity"])


def test_integers_take_a_byte_for_each_weight_and_channels_that_agree_one_constant():
    network = random_network(3, Features(per_channel=False, one_sign=False))
    found = footprint(network)
    assert found.weights == found.parameters - found.biases // 4 == sum(c.weights.size for c in network.connections)
    assert found.total == found.weights + found.biases + found.constants
    zeros = sum(
        share * c.weights.size for c, share in zip(network.connections, found.sparsity_of.values(), strict=True)
    )
    assert found.connection_sparsity == pytest.approx(zeros / sum(c.weights.size for c in network.connections))
    assert found.constants % 4 == 0
    assert found.constants <= 4 * 7 * len(network.populations)


def test_a_threshold_that_adapts_is_one_more_state_and_two_more_constants():
    plain, adaptive = (
        footprint(one_neuron(steps=1, threshold=1, threshold_step=step, threshold_keep=9)) for step in (0, 5)
    )
    assert (adaptive.states - plain.states, adaptive.constants - plain.constants) == (3, 8)
