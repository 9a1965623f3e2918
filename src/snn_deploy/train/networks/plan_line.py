"""plan_line: a network in one line for people, before it is trained: what a config has become."""

import math

from snn_deploy.support.counted import counted
from snn_deploy.train.networks.network_plan import NetworkPlan

_WRITTEN_OUT = 8  # layers; of deeper networks the line has the first and the last


def plan_line(plan: NetworkPlan) -> str:
    """Return "network: input 1x8x8, conv1 16x8x8, output 10; 1,024 spiking neurons, 154 trained weights"."""
    shapes = {plan.input.name: plan.input.shape, **{p.name: p.shape for p in plan.populations}}
    layers = [f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items()]
    if len(layers) > _WRITTEN_OUT:
        layers[2:-2] = [f"{counted(len(layers) - 4, 'layer')} more"]
    neurons = sum(math.prod(p.shape) for p in plan.populations if p.fires)
    sizes = f"{counted(neurons, 'spiking neuron')}, {counted(plan.parameters, 'trained weight')}"
    return f"network: {', '.join(layers)}; {sizes}"
