"""Recording: what one forward pass leaves for the losses and the metrics."""

import math
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from snn_deploy.train.networks.network_plan import NetworkPlan, PlannedPopulation
from snn_deploy.train.processes.across_processes import mean_over_processes


@dataclass(frozen=True)
class LayerRecord:
    """One spiking layer in one forward pass. Potentials are those BEFORE the reset, which the losses act on.

    neurons: all of them, in all samples and steps. threshold: in the unit of the potentials.
    mean_potential: scalar. mean_error, mean_squared_error: means of |spike - potential| and its square, scalars,
    the spike a constant in the gradient (RMP-Loss Eq. 9 with p = 1 and 2). spike_rate: scalar, with the surrogate's
    gradient.
    sent: (steps, batch, ...), the spikes that the next layers get, pooled where their pooling is the layer's own.
    is_inner_residual: a layer inside a residual block, which IM-Loss does not constrain (IM Sec. 4.2).
    potentials, spikes: (steps, batch, *shape), or None where the compiled path did not keep them.
    """

    name: str
    neurons: int
    threshold: float
    mean_potential: Tensor
    mean_error: Tensor
    mean_squared_error: Tensor
    spike_rate: Tensor
    sent: Tensor
    is_inner_residual: bool = False
    potentials: Tensor | None = None
    spikes: Tensor | None = None


# A layer before it runs, or what a pass left of it: a loss's `constrained` chooses among either.
HiddenLayer = TypeVar("HiddenLayer", LayerRecord, PlannedPopulation)


def full_record(
    name: str, potentials: Tensor, spikes: Tensor, threshold: float, *, is_inner_residual: bool = False
) -> LayerRecord:
    """Return the record of a layer whose potentials and spikes, (steps, batch, *shape), are kept."""
    error = quantization_error(spikes, potentials, 1.0)
    means = torch.stack([potentials.mean(), error.mean(), error.square().mean(), spikes.mean()])
    return record_of_means(
        name,
        potentials.numel(),
        threshold,
        means,
        spikes,
        is_inner_residual=is_inner_residual,
        potentials=potentials,
        spikes=spikes,
    )


def compiled_record(population: PlannedPopulation, spikes: Tensor, threshold: float, means: Tensor) -> LayerRecord:
    """Return the record of a layer that the compiled path ran.

    spikes: (steps, batch, ...), perhaps pooled. means: as of record_of_means.
    """
    neurons = spikes.shape[0] * spikes.shape[1] * math.prod(population.shape)
    is_inner = population.is_inner_residual
    return record_of_means(population.name, neurons, threshold, means, spikes, is_inner_residual=is_inner)


def record_of_means(
    name: str,
    neurons: int,
    threshold: float,
    means: Tensor,
    sent: Tensor,
    *,
    is_inner_residual: bool = False,
    potentials: Tensor | None = None,
    spikes: Tensor | None = None,
) -> LayerRecord:
    """Return the record of a layer from its four means in this process, averaged over all processes.

    means: of the potential, of |spike - potential|, of its square, and of the spikes. sent: see LayerRecord.
    """
    potential, error, squared_error, rate = mean_over_processes(means)
    return LayerRecord(
        name, neurons, threshold, potential, error, squared_error, rate, sent, is_inner_residual, potentials, spikes
    )


def quantization_error(spikes: Tensor, potentials: Tensor, exponent: float) -> Tensor:
    """Return q(u) = |o - u|^exponent (RMP-Loss Eq. 9), of the shape of `potentials`; o is a constant."""
    distance = (spikes.detach() - potentials).abs()
    return distance if exponent == 1.0 else distance.pow(exponent)


@dataclass(frozen=True)
class Recording:
    """One forward pass: the spiking layers in order, and the output.

    output: (steps, batch, classes), the accumulated potentials of the output neurons (RMP-Loss Eq. 4), or what a leak
    leaves of them.
    epoch, epochs: the epoch this pass belongs to, from 1, of how many; schedules depend on it. plan: of the network.
    """

    layers: tuple[LayerRecord, ...]
    output: Tensor
    epoch: int = 1
    epochs: int = 1
    plan: NetworkPlan | None = None

    @property
    def logits(self) -> Tensor:
        """(batch, classes): the output potentials after the last step."""
        return self.output[-1]


def mean_over_neurons(layers: tuple[LayerRecord, ...], values: list[Tensor]) -> Tensor:
    """Return the mean of per-layer means in which every neuron of every layer weighs the same."""
    neurons = sum(layer.neurons for layer in layers)
    return torch.stack([value * (layer.neurons / neurons) for layer, value in zip(layers, values, strict=True)]).sum()
