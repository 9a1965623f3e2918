"""SpikingNetwork: the one torch module that runs every NetworkPlan.

Time is folded into the batch: a connection sees (steps * batch, ...) at once, and only the neurons go step by
step. From a static image the first connections compute once, not once per step.
"""

import math
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn_deploy.network.connection_arithmetic import Pair
from snn_deploy.network.float_network import FloatPopulation
from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled import amx_synapses
from snn_deploy.train.compiled.fused_lif import FusedLayer, Slope
from snn_deploy.train.compiled.fused_norm import normed
from snn_deploy.train.layers.channel_norm_module import ChannelNormModule
from snn_deploy.train.layers.learned_keep import keep_logit, whole_keep
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedPopulation
from snn_deploy.train.networks.quantized_pass import Quantization, quantized_pass
from snn_deploy.train.networks.recording import LayerRecord, Recording, full_record, record_of_means
from snn_deploy.train.neurons.lif import Neuron, Surrogate


class NormOptions(Protocol):
    """What a norm's options can do; see train/norms/."""

    def build(self, channels: int, threshold: float) -> ChannelNormModule:
        """Return the norm of one connection."""


@dataclass(frozen=True)
class Pass:
    """How a forward pass runs.

    surrogate, sharpness: what the gradient pretends. slope: its compilable form, or None for the plain path, which
    keeps every potential. epoch, epochs: for the schedules of the losses. quantization: what the weights are rounded
    to, or None for floats. amx: see amx_synapses.py; not for a pass that is quantized.
    """

    surrogate: Surrogate
    sharpness: float
    slope: Slope | None = None
    epoch: int = 1
    epochs: int = 1
    quantization: Quantization | None = None
    amx: bool = False


class SpikingNetwork(nn.Module):
    """A network in training. generator: where the initial weights come from."""

    def __init__(
        self, plan: NetworkPlan, neuron: Neuron, norm: NormOptions, no_norm: NormOptions, generator: torch.Generator
    ) -> None:
        super().__init__()
        for connection in plan.connections:
            if (connection.delay or _goes_back(plan, connection)) and not is_loop(connection):
                raise UserError(
                    f"connection {connection.name!r}: goes back or is delayed; only a dense layer may feed itself."
                )
        if plan.output.fires:
            raise UserError(f"population {plan.output.name!r}: fires, but the losses need an accumulating output.")
        self.plan, self.neuron = plan, neuron
        self.weights = nn.ParameterDict(
            {key_of(c): initial_weights(c.weights_shape, generator) for c in plan.connections if c.fixed_weight is None}
        )
        for c in plan.connections:
            if c.fixed_weight is not None:
                weights = torch.full(c.weights_shape, c.fixed_weight * neuron.threshold)
                self.register_buffer(f"fixed_{key_of(c)}", weights, persistent=False)
        learns = neuron.learns_voltage_keep
        self.keep_logits = nn.ParameterDict(
            {key_of(p): keep_logit(neuron.voltage_keep) for p in plan.populations if p.fires and learns}
        )
        self.norms = nn.ModuleDict(
            {
                key_of(c): (norm if c.has_norm else no_norm).build(c.weights_shape[0], neuron.threshold * c.norm_scale)
                for c in plan.connections
            }
        )

    def forward(self, inputs: Tensor, steps: int, how: Pass) -> Recording:
        """Return the recording of one pass.

        inputs: floats, (batch, *input shape), an image for every step, or (steps, batch, *input shape).
        """
        if how.quantization is not None:
            return quantized_pass(self, inputs, steps, how)
        entry = self.plan.input
        values = {entry.name: inputs[None] if inputs.ndim == len(entry.shape) + 1 else inputs}
        pools: dict[str, Pair] = {entry.name: (1, 1)}  # what the neurons' kernel has already pooled
        layers: list[LayerRecord] = []
        for population in self.plan.populations[:-1]:
            fused_pool = self._common_pool(population.name)
            loop = self._loop(population)
            is_compiled = how.slope is not None and not self.neuron.learns_voltage_keep and loop is None
            if is_compiled and fused_pool is not None and inputs.device.type == "cpu":
                spikes, layer = self._fused(population, values, pools, steps, how, fused_pool)
                pools[population.name] = fused_pool
            else:
                currents = self._currents(population, values, pools, steps, how)
                keep = self.learned_keep(population)
                if loop is None:
                    spikes, potentials = self.neuron.run(currents, how.surrogate, how.sharpness, keep)
                else:
                    spikes, potentials = self._step_by_step(loop, currents, keep, how)
                layer = full_record(
                    population.name,
                    potentials,
                    spikes,
                    self.neuron.threshold,
                    is_inner_residual=population.is_inner_residual,
                )
                pools[population.name] = (1, 1)
            layers.append(layer)
            values[population.name] = spikes
        output = self._currents(self.plan.output, values, pools, steps, how).cumsum(0)
        return Recording(tuple(layers), output, how.epoch, how.epochs, self.plan)

    @property
    def first_weights(self) -> nn.Parameter:
        """The trained weights of the first connection from the input."""
        first = next(c for c in self.plan.connections if c.source == self.plan.input.name and c.fixed_weight is None)
        return self.weights[key_of(first)]

    def learned_keep(self, population: PlannedPopulation) -> Tensor | None:
        """Return the voltage_keep that `population` has learned, a differentiable scalar; None where it learns none."""
        key = key_of(population)
        return whole_keep(self.keep_logits[key]) if key in self.keep_logits else None

    def neuron_of(self, population: PlannedPopulation) -> Neuron:
        """Return the neurons of `population` as they infer."""
        keep = self.learned_keep(population)
        return self.neuron if keep is None else self.neuron.with_voltage_keep(keep)

    def float_population(self, population: PlannedPopulation) -> FloatPopulation:
        """Return `population` as plain data."""
        return FloatPopulation(
            population.name,
            population.shape,
            threshold=np.asarray(self.neuron.threshold),
            voltage_keep=np.asarray(self.neuron_of(population).voltage_keep if population.fires else 1.0),
            current_keep=np.asarray(0.0),
            fires=population.fires,
            fires_at_threshold=self.neuron.fires_at_threshold,
        )

    def taken_gradients(self) -> dict[str, float]:
        """Return nothing: gradients by spike times are those of time_based_network.py."""
        return {}

    def used_weights(self, connection: PlannedConnection) -> Tensor:
        """Return the weights of `connection` as the norm shapes them."""
        key = key_of(connection)
        weights = self.weights[key] if connection.fixed_weight is None else getattr(self, f"fixed_{key}")
        return self.norm(connection).shaped(weights)

    def norm(self, connection: PlannedConnection) -> ChannelNormModule:
        """Return the norm of `connection`."""
        return cast(ChannelNormModule, self.norms[key_of(connection)])

    def _fused(
        self,
        population: PlannedPopulation,
        values: dict[str, Tensor],
        pools: dict[str, Pair],
        steps: int,
        how: Pass,
        pool: Pair,
    ) -> tuple[Tensor, LayerRecord]:
        """Return the pooled spikes and the record of one population, by the compiled path."""
        arriving = self._connections_to(population)
        if len(arriving) == 1:
            norm, currents = self.norm(arriving[0]), self._raw(arriving[0], values, pools, how)
        else:  # each of the currents has a norm of its own; the kernel gets their sum
            norm, currents = ChannelNormModule(), self._currents(population, values, pools, steps, how)
        assert how.slope is not None
        layer = FusedLayer(norm, self.neuron, how.slope, how.sharpness, steps, pool[0])
        spikes, statistics = layer.run(currents)
        record = record_of_means(
            population.name,
            steps * math.prod(population.shape) * currents.shape[1],
            self.neuron.threshold,
            statistics,
            is_inner_residual=population.is_inner_residual,
        )
        return spikes, record

    def _currents(
        self, population: PlannedPopulation, values: dict[str, Tensor], pools: dict[str, Pair], steps: int, how: Pass
    ) -> Tensor:
        """Return the sum of the normalized currents, (steps, batch, *shape)."""
        total: Tensor | None = None
        for connection in self._connections_to(population):
            raw = self._raw(connection, values, pools, how)
            norm = self.norm(connection)
            if how.slope is not None and raw.device.type == "cpu" and norm.fixed() is not None:
                currents = normed(raw, norm)
            else:
                currents = norm(raw.flatten(0, 1)).unflatten(0, raw.shape[:2])
            total = currents if total is None else total + currents
        assert total is not None  # check_structure: every population is reached
        return total.expand(steps, *total.shape[1:])

    def _raw(
        self, connection: PlannedConnection, values: dict[str, Tensor], pools: dict[str, Pair], how: Pass
    ) -> Tensor:
        """Return the currents before the norm, (steps or 1, batch, *shape)."""
        source = values[connection.source]
        folded = source.flatten(0, 1)
        if connection.pool != pools[connection.source]:
            folded = functional.avg_pool2d(folded, connection.pool)
        weights = self.used_weights(connection)
        uses_amx = how.amx and connection.source != self.plan.input.name  # an image is no whole number of spikes
        geometry = (connection.stride, connection.padding, connection.dilation, connection.groups)
        if weights.ndim == 2:
            linear = amx_synapses.linear if uses_amx else functional.linear
            currents = linear(folded.flatten(1), weights)
        elif _is_scaling(connection):
            currents = folded * weights.reshape(-1, 1, 1)  # several times as fast as the convolution that it equals
        elif uses_amx and (area := math.prod(connection.pool)) <= amx_synapses.LARGEST_AREA:
            currents = amx_synapses.conv2d(folded, weights, area, *geometry)
        else:
            currents = functional.conv2d(folded, weights, None, *geometry)
        return currents.unflatten(0, source.shape[:2])

    def _step_by_step(
        self, loop: PlannedConnection, currents: Tensor, keep: Tensor | None, how: Pass
    ) -> tuple[Tensor, Tensor]:
        """Return (spikes, potentials before the reset) of a population that hears itself through `loop`."""
        weights = self.used_weights(loop)
        sent: list[Tensor] = []
        potentials: list[Tensor] = []
        carried = torch.zeros_like(currents[0])
        for t, arriving in enumerate(currents):
            total = arriving + functional.linear(sent[t - loop.delay], weights) if t >= loop.delay else arriving
            spikes, before_reset, carried = self.neuron.step(total, carried, how.surrogate, how.sharpness, keep)
            sent.append(spikes)
            potentials.append(before_reset)
        return torch.stack(sent), torch.stack(potentials)

    def _loop(self, population: PlannedPopulation) -> PlannedConnection | None:
        """Return the connection from `population` to itself, or None."""
        return next((c for c in self.plan.connections if c.source == c.target == population.name), None)

    def _connections_to(self, population: PlannedPopulation) -> list[PlannedConnection]:
        """Return what reaches `population` from others."""
        return [c for c in self.plan.connections if c.target == population.name != c.source]

    def _common_pool(self, name: str) -> Pair | None:
        """Return the pooling that every reader of a population wants, or None where they differ."""
        pools = {c.pool for c in self.plan.connections if c.source == name != c.target}
        if len(pools) != 1:
            return (1, 1) if (1, 1) in pools or not pools else None
        pool = pools.pop()
        return pool if pool[0] == pool[1] else None


def initial_weights(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    """Return PyTorch's default: uniform within 1 / sqrt(fan-in)."""
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


def _is_scaling(connection: PlannedConnection) -> bool:
    """Whether each channel is its own times one number, such as an identity shortcut."""
    channels, *kernel = connection.weights_shape
    is_unmoved = connection.stride == (1, 1) and connection.padding == (0, 0)
    return kernel == [1, 1, 1] and connection.groups == channels and is_unmoved


def is_loop(connection: PlannedConnection) -> bool:
    """Return whether it goes from a dense layer to itself."""
    return connection.source == connection.target and len(connection.weights_shape) == 2


def _goes_back(plan: NetworkPlan, connection: PlannedConnection) -> bool:
    order = [plan.input.name, *(p.name for p in plan.populations)]
    return order.index(connection.source) >= order.index(connection.target)


def key_of(part: PlannedConnection | PlannedPopulation) -> str:
    """Return the name under which a module keeps what belongs to `part`."""
    return part.name.replace(".", "_")  # torch refuses dots in parameter names
