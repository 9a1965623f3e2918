"""Network: what the networks of both training methods share: weights and norms for each connection of a plan."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from snn_deploy.network.float_network import FloatPopulation
from snn_deploy.support.user_error import UserError
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.learned_delays import LearnedDelays
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedPopulation
from snn_deploy.train.networks.recording import Recording


class NeuronOptions(Protocol):
    """What every neuron of train/neurons/ has."""

    @property
    def threshold(self) -> float:
        """The threshold that training starts from."""

    @property
    def voltage_keep(self) -> float:
        """The share of the potential that is left after a step."""

    @property
    def learns_voltage_keep(self) -> bool:
        """Whether each layer trains a voltage_keep of its own."""


class Network(nn.Module, ABC):
    """A network in training. norms: one for each connection of `plan`. generator: draws the initial weights.

    keeps_zeros: whether a weight of 0 is a synapse that is not there: its effective weight is 0, and so it stays.
    """

    neuron: NeuronOptions
    keeps_zeros = False

    def __init__(
        self,
        plan: NetworkPlan,
        neuron: NeuronOptions,
        norms: Iterable[ChannelNormModule],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        order = [plan.input.name, *(p.name for p in plan.populations)]
        for c in plan.connections:
            if (c.delay or order.index(c.source) >= order.index(c.target)) and not c.is_loop:
                raise UserError(f"connection {c.name!r}: goes back or is delayed; only a layer's own loop may.")
        self.plan, self.neuron = plan, neuron
        self.weights = nn.ParameterDict(
            {key_of(c): _initial_weights(c.weights_shape, generator) for c in plan.connections if not c.is_fixed}
        )
        self.norms = nn.ModuleDict({key_of(c): norm for c, norm in zip(plan.connections, norms, strict=True)})
        for c in plan.connections:
            self.norm(c).prepare_for(c.weights_shape)

    @abstractmethod
    def forward(self, inputs: Tensor, steps: int, options: ForwardOptions) -> Recording:
        """Return the recording of one pass.

        inputs: floats, (batch, *input shape), an image for every step, or (steps, batch, *input shape).
        """

    @abstractmethod
    def float_population(self, population: PlannedPopulation) -> FloatPopulation:
        """Return `population` as plain data."""

    @property
    def first_weights(self) -> nn.Parameter:
        """The trained weights of the first connection from the input."""
        first = next(c for c in self.plan.connections if c.source == self.plan.input.name and not c.is_fixed)
        return self.weights[key_of(first)]

    @property
    def delay_parameters(self) -> list[nn.Parameter]:
        """The delays that are learned, in steps."""
        return []

    def delays_of(self, connection: PlannedConnection) -> LearnedDelays | None:
        """Return the delays that `connection` learns, or None."""
        return None

    @property
    def parameters_without_decay(self) -> list[nn.Parameter]:
        """The parameters that weight decay must leave alone."""
        return []

    def gradient_metrics(self) -> dict[str, float]:
        """Return what is to be said of the gradients since the last call, for the metrics."""
        return {}

    def neuron_of(self, population: PlannedPopulation) -> NeuronOptions:
        """Return the neurons of `population` as they infer."""
        return self.neuron

    def norm(self, connection: PlannedConnection) -> ChannelNormModule:
        """Return the norm of `connection`."""
        return cast(ChannelNormModule, self.norms[key_of(connection)])

    def effective_weights(self, connection: PlannedConnection) -> Tensor:
        """Return the weights of `connection` as the norm shapes them."""
        weights, norm = self.weights[key_of(connection)], self.norm(connection)
        if not self.keeps_zeros:
            return norm.effective_weights(weights)
        kept = weights.detach() != 0
        return norm.effective_weights(weights, kept) * kept


def with_steps(inputs: Tensor, plan: NetworkPlan) -> Tensor:
    """Return `inputs` as (steps or 1, batch, *input shape): an image for every step gets a first axis of length 1."""
    return inputs[None] if inputs.ndim == len(plan.input.shape) + 1 else inputs


def key_of(part: PlannedConnection | PlannedPopulation) -> str:
    """Return the name under which a module keeps what belongs to `part`."""
    return part.name.replace(".", "_")  # torch refuses dots in parameter names


def _initial_weights(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    """Return PyTorch's default: uniform within 1 / sqrt(fan-in)."""
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))
