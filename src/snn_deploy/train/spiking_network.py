"""SpikingNetwork: the one torch module that runs every NetworkPlan.

Time is folded into the batch: a connection sees (steps * batch, ...) at once, and only the neurons go step by
step. From a static image the first connections compute once, not once per step.
"""

import math
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_deploy.train.float_network import ChannelNorm
from snn_deploy.train.network_plan import NetworkPlan, PlannedConnection
from snn_deploy.train.neurons.lif import Neuron, Surrogate
from snn_deploy.train.recording import LayerRecord, Recording
from snn_deploy.user_error import UserError


class NormModule(Protocol):
    """What the network asks of a norm; see train/norms/."""

    def shaped(self, weights: Tensor) -> Tensor:
        """Return the weights that are really used."""

    def __call__(self, currents: Tensor) -> Tensor:
        """Return the normalized currents, (batch, channels, ...)."""

    def channel_norm(self) -> ChannelNorm | None:
        """Return the norm with fixed statistics that inference uses."""


class NormOptions(Protocol):
    """What a norm's options can do."""

    def build(self, channels: int, threshold: float) -> nn.Module:
        """Return a NormModule for one connection."""


class SpikingNetwork(nn.Module):
    """A network in training. generator: where the initial weights come from."""

    def __init__(
        self, plan: NetworkPlan, neuron: Neuron, norm: NormOptions, no_norm: NormOptions, generator: torch.Generator
    ) -> None:
        super().__init__()
        for connection in plan.connections:
            if connection.delay or _goes_back(plan, connection):
                raise UserError(f"connection {connection.name!r}: recurrent and delayed connections do not train yet.")
        self.plan, self.neuron = plan, neuron
        self.weights = nn.ParameterDict(
            {_key(c): _initial_weights(c.weights_shape, generator) for c in plan.connections}
        )
        self.norms = nn.ModuleDict(
            {
                _key(c): (norm if c.has_norm else no_norm).build(c.weights_shape[0], neuron.threshold)
                for c in plan.connections
            }
        )

    def forward(
        self, inputs: Tensor, steps: int, surrogate: Surrogate, sharpness: float, epoch: int = 1, epochs: int = 1
    ) -> Recording:
        """Return the recording of one pass.

        inputs: floats, (batch, *input shape), an image for every step, or (steps, batch, *input shape).
        """
        is_static = inputs.ndim == len(self.plan.input.shape) + 1
        values: dict[str, Tensor] = {self.plan.input.name: inputs if is_static else inputs.flatten(0, 1)}
        batch = inputs.shape[0 if is_static else 1]
        layers: list[LayerRecord] = []
        for population in self.plan.populations:
            currents: Tensor | None = None
            for connection in self.plan.connections:
                if connection.target != population.name:
                    continue
                arriving = self._arriving(connection, values[connection.source])
                once = is_static and connection.source == self.plan.input.name
                arriving = arriving.expand(steps, *arriving.shape) if once else arriving.unflatten(0, (steps, batch))
                currents = arriving if currents is None else currents + arriving
            assert currents is not None  # check_structure: every population is reached
            if not population.fires:
                return Recording(tuple(layers), currents.cumsum(0), epoch, epochs)
            spikes, potentials = self.neuron.run(currents.contiguous(), surrogate, sharpness)
            layers.append(
                LayerRecord(population.name, potentials, spikes, self.neuron.threshold, population.is_inner_residual)
            )
            values[population.name] = spikes.flatten(0, 1)
        raise UserError("model: the last population fires; the activation-based losses need an accumulating output.")

    def used_weights(self, connection: PlannedConnection) -> Tensor:
        """Return the weights of `connection` as the norm shapes them."""
        return self.norm(connection).shaped(self.weights[_key(connection)])

    def norm(self, connection: PlannedConnection) -> NormModule:
        """Return the norm of `connection`."""
        return cast(NormModule, self.norms[_key(connection)])

    def _arriving(self, connection: PlannedConnection, values: Tensor) -> Tensor:
        weights = self.used_weights(connection)
        if connection.pool != (1, 1):
            values = functional.avg_pool2d(values, connection.pool)
        if weights.ndim == 2:
            currents = functional.linear(values.flatten(1), weights)
        else:
            currents = functional.conv2d(
                values, weights, None, connection.stride, connection.padding, connection.dilation, connection.groups
            )
        return self.norm(connection)(currents)


def _initial_weights(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    """Return PyTorch's default: uniform within 1 / sqrt(fan-in)."""
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


def _goes_back(plan: NetworkPlan, connection: PlannedConnection) -> bool:
    order = [plan.input.name, *(p.name for p in plan.populations)]
    return order.index(connection.source) >= order.index(connection.target)


def _key(connection: PlannedConnection) -> str:
    return connection.name.replace(".", "_")  # torch refuses dots in parameter names
