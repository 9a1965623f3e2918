"""match_rates: a converted network's gains are changed until each layer spikes as often as its activations ask for.

A neuron that leaks, or whose reset throws away what is above the threshold, spikes less than its current says; with a
voltage_keep of 0.25 no current below 0.75 thresholds ever makes a spike. The layers after it would get too little. So
the converted network runs on some samples, each layer's gain is multiplied by a power of (wanted rate / found rate),
and again; what an earlier layer does wrong is seen, and set right, by the later ones.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import key_of
from snn_deploy.train.networks.spiking_network import SpikingNetwork

_SWEEPS, _POWER = 30, 0.5  # guesses: a rate rises faster than the gain, so that the whole quotient overshoots
_LARGEST_CHANGE = 2.0  # of a sweep, where a layer is silent
_LEAST, _MOST = 0.25, 64.0  # of all sweeps: where a fixed shortcut alone fires more than is wanted, or nothing arrives


@torch.no_grad()
def match_rates(
    network: SpikingNetwork, wanted: Mapping[str, float], inputs: Tensor, steps: int, options: ForwardOptions
) -> None:
    """Change the gains of `network` in place; fixed shortcuts stay.

    wanted: hidden layer -> spikes per neuron and step. inputs: samples to run on, as of Network.forward.
    """
    network.eval()
    total = dict.fromkeys(wanted, 1.0)
    for _ in range(_SWEEPS):
        found = {layer.name: float(layer.spike_rate) for layer in network(inputs, steps, options).layers}
        for population in network.plan.populations[:-1]:
            name = population.name
            quotient = wanted[name] / found[name] if found[name] else math.inf
            change = min(max(quotient**_POWER, 1 / _LARGEST_CHANGE), _LARGEST_CHANGE)
            change = min(max(change, _LEAST / total[name]), _MOST / total[name])
            total[name] *= change
            for connection in network.plan.connections_to(population):
                if not connection.is_fixed:
                    weights = network.weights[key_of(connection)]
                    network.norm(connection).rescale(weights, arriving=1.0, leaving=change)
