"""match_rates: a converted network's gains are changed until each layer spikes as often as its activations ask for.

A neuron that leaks, or whose reset throws away what is above the threshold, spikes less than its current says; with a
voltage_keep of 0.25 no current below 0.75 thresholds ever makes a spike. The layers after it would get too little. So
the converted network runs on some samples, each layer's gain is multiplied by a power of (wanted rate / found rate),
and again, until all rates are close. Behind a layer that spikes less than half as often as it should, the others wait:
how much they need is not seen before it does.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import key_of
from snn_deploy.train.networks.spiking_network import SpikingNetwork

_SWEEPS_PER_LAYER, _POWER = 6, 0.5  # guesses: a rate rises faster than its gain, so the whole quotient overshoots
_CLOSE = 0.05  # of a rate: near enough
_LARGEST_CHANGE = 2.0  # of a sweep, where a layer is silent
_LEAST, _MOST = 0.25, 8.0  # of all sweeps: where a fixed shortcut alone fires more than is wanted, or nothing arrives


@torch.no_grad()
def match_rates(
    network: SpikingNetwork, wanted: Mapping[str, float], inputs: Tensor, steps: int, options: ForwardOptions
) -> None:
    """Change the gains of `network` in place; fixed shortcuts stay.

    wanted: hidden layer -> spikes per neuron and step. inputs: samples to run on, as of Network.forward.
    """
    network.eval()
    total = dict.fromkeys(wanted, 1.0)
    for _ in range(_SWEEPS_PER_LAYER * len(wanted)):
        changes = {}
        for layer in network(inputs, steps, options).layers:
            quotient = _quotient(wanted[layer.name], float(layer.spike_rate))
            change = min(max(quotient**_POWER, 1 / _LARGEST_CHANGE), _LARGEST_CHANGE)
            change = min(max(change, _LEAST / total[layer.name]), _MOST / total[layer.name])
            if abs(quotient - 1) > _CLOSE and change != 1:
                changes[layer.name] = change
                if quotient > _LARGEST_CHANGE:
                    break  # too little reaches the layers behind it: what they need is seen later
        if not changes:
            return
        for connection in network.plan.connections:
            if connection.target in changes and not connection.is_fixed:
                weights, change = network.weights[key_of(connection)], changes[connection.target]
                network.norm(connection).rescale(weights, arriving=1.0, leaving=change)
        total |= {name: total[name] * change for name, change in changes.items()}


def _quotient(wanted: float, found: float) -> float:
    if wanted == 0:
        return 1.0  # nothing to reach by a gain
    return wanted / found if found else math.inf
