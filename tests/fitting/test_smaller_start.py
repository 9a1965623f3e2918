"""What starts smaller computes what the larger network does whose lost channels nobody hears."""

import numpy as np
import pytest
import torch
from helpers.chain_run import CHAIN

import snn_deploy as sd
from snn_deploy.fitting.chain import layers_of
from snn_deploy.fitting.parts import Pruning
from snn_deploy.fitting.smaller_start import SmallerStart, trained_network
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.config.read_config import changed_config
from snn_deploy.train.models import layer_string
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import key_of
from snn_deploy.train.run.inheritance import read_parent
from snn_deploy.train.run.run_start import network_of_plan

PLAN = layer_string.Model("6C3-P2-8C3-12-10").plan((1, 8, 8), 10)
REMOVED = {
    "conv1": np.isin(np.arange(6), [0, 4]),
    "conv2": np.isin(np.arange(8), [7, 2, 3]),
    "dense3": np.isin(np.arange(12), [5]),
}


def potentials(network):
    network.eval()
    inputs = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    options = ForwardOptions(load_plugin("train.surrogates", "rectangle").Surrogate(), 1.0)
    with torch.no_grad():
        return network(inputs, 3, options).output.numpy()


@pytest.mark.parametrize("removed", [REMOVED, {"conv2": REMOVED["conv2"]}, {}])
def test_the_smaller_network_is_the_larger_one_without_what_left(chain, removed):
    run = read_parent(chain)
    whole = trained_network(run, PLAN)
    with torch.no_grad():
        for c in PLAN.connections:
            if c.source in removed:
                gone = np.repeat(removed[c.source], c.weights_shape[1] // len(removed[c.source]))
                whole.weights[key_of(c)][:, torch.from_numpy(gone)] = 0.0
    left = {name: int((~mask).sum()) for name, mask in removed.items()}
    config = changed_config(run.config.table(), [f"model.layers={layers_of(PLAN, left)}"], "test")
    small = network_of_plan(config, config.model.options.plan((1, 8, 8), 10), torch.Generator().manual_seed(9))

    SmallerStart(run, Pruning(removed)).copy_into(small, config)

    assert sum(p.numel() for p in small.parameters()) <= sum(p.numel() for p in whole.parameters())
    np.testing.assert_allclose(potentials(small), potentials(whole), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["centered_tdbn", "orthogonal_tdbn", "weight_standardization", "tdbn", "none"])
def test_every_norm_keeps_what_it_has_learned_of_the_channels_that_stay(norm, tmp_path):
    folder = sd.train({**CHAIN, "norm": {"name": norm}, "neuron": {"learns_voltage_keep": True}}, out=tmp_path).folder
    run = read_parent(folder)
    whole = trained_network(run, PLAN)
    config = changed_config(run.config.table(), ["model.layers=4C3-P2-5C3-11-10"], "test")
    small = network_of_plan(config, config.model.options.plan((1, 8, 8), 10), torch.Generator().manual_seed(9))
    SmallerStart(run, Pruning(REMOVED)).copy_into(small, config)
    for (name, ours), theirs in zip(small.state_dict().items(), whole.state_dict().values(), strict=True):
        if "norms" in name and "conv2-dense3" in name and ours.ndim and "input_means" not in name:
            assert torch.equal(ours, theirs[..., torch.from_numpy(~REMOVED["dense3"])])
        if "input_means" in name and "conv1-conv2" in name:
            assert torch.equal(ours, theirs[torch.from_numpy(~REMOVED["conv1"])])
        if "keep_logits" in name:
            assert torch.equal(ours, theirs)
