"""ReluNetwork: the network of a plan with rectified currents in place of spiking neurons, in a single step.

An activation is a positive current in thresholds. That is the rate of a neuron without leak whose current is constant
and whose reset subtracts the threshold, so weights, norms and fixed shortcuts mean the same as in SpikingNetwork, and
their names are the same.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.train.layers.channel_norm_module import NormOptions
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import with_steps
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.networks.recording import Recording
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.neurons.lif import Neuron


class ReluNetwork(SpikingNetwork):
    """The equal network to train before a spiking one; of the neuron it uses the threshold alone."""

    def __init__(
        self, plan: NetworkPlan, neuron: Neuron, norm: NormOptions, no_norm: NormOptions, generator: torch.Generator
    ) -> None:
        super().__init__(plan, replace(neuron, learns_voltage_keep=False), norm, no_norm, generator)

    def forward(self, inputs: Tensor, steps: int, options: ForwardOptions) -> Recording:
        """Return the recording of one pass; output: (1, batch, classes). No layer spikes, so none is recorded."""
        values = self._values(inputs, options)
        return Recording((), values[self.plan.output.name], options.epoch, options.epochs, self.plan)

    def activations(self, inputs: Tensor, options: ForwardOptions) -> dict[str, Tensor]:
        """Return hidden layer -> its activations, (batch, *shape), in thresholds."""
        values = self._values(inputs, options)
        return {p.name: values[p.name][0] for p in self.plan.populations[:-1]}

    def _values(self, inputs: Tensor, options: ForwardOptions) -> dict[str, Tensor]:
        """Return what each layer sends, (1, batch, *shape); of the output its currents."""
        entry = self.plan.input
        values = {entry.name: with_steps(inputs, self.plan)}
        pools: dict[str, Pair] = dict.fromkeys((entry.name, *(p.name for p in self.plan.populations)), (1, 1))
        for population in self.plan.populations:
            currents = self._currents(population, values, pools, options)
            values[population.name] = (
                functional.relu(currents / self.neuron.threshold) if population.fires else currents
            )
        return values
