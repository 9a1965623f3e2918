"""TimeBasedNetwork: runs every NetworkPlan of trained weights with spike response neurons and gradients on spike times.

The output fires as well: a class is its neuron's spike count. An earlier spike counts as more of a spike, so the
gradient with respect to a spike's time is minus that with respect to the spike (TB Sec. 4.2).
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn_deploy.network.float_network import FloatPopulation
from snn_deploy.support.user_error import UserError
from snn_deploy.train.layers.channel_norm_module import NormOptions
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network, key_of, with_steps
from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedConnection, PlannedPopulation
from snn_deploy.train.networks.recording import LayerRecord, Recording, record_of_means
from snn_deploy.train.networks.spike_time_layer import Layer, TimeGradients, fire
from snn_deploy.train.neurons.spike_response import Neuron
from snn_deploy.train.norms.threshold_standardization import ThresholdStandardization


class TimeBasedNetwork(Network):
    """A network in time-based training. generator: draws the initial weights.

    is_compiled: False runs the plain loops of the neuron, slow, for comparison.
    """

    neuron: Neuron

    def __init__(
        self,
        plan: NetworkPlan,
        neuron: Neuron,
        norm: NormOptions,
        no_norm: NormOptions,
        generator: torch.Generator,
        *,
        is_compiled: bool = True,
    ) -> None:
        for c in plan.connections:
            if c.is_fixed:
                raise UserError(
                    f"connection {c.name!r}: an identity shortcut; time-based training has none. Take a chain."
                )
            if c.is_loop and len(c.weights_shape) > 2:
                raise UserError(
                    f"connection {c.name!r}: a convolution that feeds itself; in time-based training only dense layers "
                    "do. Leave its R out, or choose method 'surrogate'."
                )
        *hidden, output = plan.populations
        norms = ((no_norm if c.is_loop else norm).build(c.weights_shape[0], neuron.threshold) for c in plan.connections)
        super().__init__(replace(plan, populations=(*hidden, replace(output, fires=True))), neuron, norms, generator)
        self.is_compiled = is_compiled
        self.gradients = TimeGradients()

    def forward(self, inputs: Tensor, steps: int, options: ForwardOptions) -> Recording:
        """Return the recording of one pass; output: the spikes of each class so far, (steps, batch, classes)."""
        values = {self.plan.input.name: with_steps(inputs, self.plan)}
        records: list[LayerRecord] = []
        on_cpu = inputs.device.type == "cpu"
        for population in self.plan.populations:
            arriving, loop = self.plan.connections_to(population), self.plan.loop_of(population)
            delay = 0 if loop is None else loop.delay
            revives = self.neuron.revives_output and population is self.plan.output
            layer = Layer(self.neuron, arriving, steps, self.gradients, self.is_compiled and on_cpu, revives, delay)
            pooled = [_pooled(values[c.source], c) for c in arriving]
            thresholds = self.thresholds(population)
            weights = [self.effective_weights(c) for c in (*arriving, *([] if loop is None else [loop]))]
            spikes, potentials, means = fire(layer, thresholds, pooled, weights)
            values[population.name] = spikes
            is_measured = not torch.is_grad_enabled()  # training has no use for them
            relative = potentials / thresholds.reshape(-1, *[1] * (potentials.ndim - 3)) if is_measured else None
            kept = spikes if is_measured else None
            records.append(
                record_of_means(population.name, spikes.numel(), 1.0, means, spikes, potentials=relative, spikes=kept)
            )
        counts = cast(Tensor, _EarlierIsMore.apply(values[self.plan.output.name])).cumsum(0)
        return Recording(tuple(records[:-1]), counts, options.epoch, options.epochs)

    def thresholds(self, population: PlannedPopulation) -> Tensor:
        """Return the thresholds of the channels of `population`, (channels,), without a gradient."""
        first = next(c for c in self.plan.connections if c.target == population.name)
        norm = self.norm(first)
        if isinstance(norm, ThresholdStandardization):
            return norm.thresholds
        return torch.full((population.shape[0],), self.neuron.threshold, device=self.weights[key_of(first)].device)

    def float_population(self, population: PlannedPopulation) -> FloatPopulation:
        """Return `population` as plain data: its potential counted in steps of current, as FloatNetwork does."""
        return FloatPopulation(
            population.name,
            population.shape,
            threshold=self.thresholds(population).double().cpu().numpy() / self.neuron.current_gain,
            voltage_keep=np.asarray(self.neuron.voltage_keep),
            current_keep=np.asarray(self.neuron.current_keep),
            clears_current=self.neuron.forgets == "everything",
        )

    def gradient_metrics(self) -> dict[str, float]:
        """Return the gradients with respect to spike times since the last call, for the metrics (TB Fig. 3)."""
        return self.gradients.taken()


def _pooled(values: Tensor, connection: PlannedConnection) -> Tensor:
    if connection.pool == (1, 1):
        return values
    return functional.avg_pool2d(values.flatten(0, 1), connection.pool).unflatten(0, values.shape[:2])


class _EarlierIsMore(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: Tensor) -> Tensor:
        return spikes.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -gradients[0]
