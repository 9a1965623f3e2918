"""QuantizableNetwork: what a quantized pass needs of a network; SpikingNetwork is one."""

from typing import Protocol

from torch import Tensor

from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedPopulation
from snn_deploy.train.neurons.lif import Neuron


class QuantizableNetwork(Protocol):
    """A network of LIF neurons. training: whether the norms' running statistics follow the pass."""

    plan: NetworkPlan
    training: bool

    def norm(self, connection: PlannedConnection) -> ChannelNormModule:
        """Return the norm of `connection`."""

    def effective_weights(self, connection: PlannedConnection) -> Tensor:
        """Return the weights of `connection` as the norm shapes them."""

    def neuron_of(self, population: PlannedPopulation) -> Neuron:
        """Return the neurons of `population` as they infer."""

    def learned_keep(self, population: PlannedPopulation) -> Tensor | None:
        """Return the voltage_keep that `population` has learned, a differentiable scalar; None where it learns none."""
