"""A ReLU network with random weights, and how to run it."""

import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.ann_first.relu_network import ReluNetwork
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.neurons.lif import Neuron

RECTANGLE = load_plugin("train.surrogates", "rectangle")
THRESHOLD = 0.8
OPTIONS = {
    "plain": ForwardOptions(RECTANGLE.Surrogate(), 1.0),
    "compiled": ForwardOptions(RECTANGLE.Surrogate(), 1.0, RECTANGLE.slope),
}


def relu_network(plan: NetworkPlan, norm: str = "tdbn", neuron: Neuron | None = None) -> ReluNetwork:
    no_norm = load_plugin("train.norms", "none").Norm()
    options = load_plugin("train.norms", norm).Norm()
    generator = torch.Generator().manual_seed(4)
    return ReluNetwork(plan, neuron or Neuron(threshold=THRESHOLD), options, no_norm, generator)
