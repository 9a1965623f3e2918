"""plan_line: a network in one line for people, before it is trained: what a config has become."""

import math

from snn_deploy.network.short_name import layers_in_words
from snn_deploy.support.counted import counted
from snn_deploy.train.networks.network_plan import NetworkPlan


def plan_line(plan: NetworkPlan) -> str:
    """Return "network: input 1x8x8, conv1 16x8x8, output 10; 1,024 spiking neurons, 154 trained weights"."""
    neurons = sum(math.prod(p.shape) for p in plan.populations if p.fires)
    sizes = f"{counted(neurons, 'spiking neuron')}, {counted(plan.parameters, 'trained weight')}"
    return f"network: {layers_in_words(plan.input, plan.populations)}; {sizes}"
