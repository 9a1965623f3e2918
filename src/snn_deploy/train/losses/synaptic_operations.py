"""Loss `synaptic_operations`: fewer additions on the chip, so that training sees what deployment costs.

After Sorbaro et al., "Optimizing the Energy Consumption of Spiking Neural Networks for Neuromorphic Applications",
Frontiers in Neuroscience 2020, Sec. 2.4: every spike costs one synaptic operation per synapse that it reaches, the sum
is a loss, and its gradient goes through the surrogate. Here the sum is divided by the operations that there would be if
every hidden neuron fired in every step, so that one weight means the same for every network and number of steps.

A layer's neurons count with their mean fan-out; at the borders of a map some have less. The input is not trained, so
its operations are left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor

from snn_deploy.train.networks.recording import HiddenLayer, Recording
from snn_deploy.train.networks.synaptic_operations import mean_fan_outs


@dataclass(frozen=True)
class Loss:
    """weight: of the share of operations, between 0 and 1."""

    classifies = False
    needs_potentials = False

    weight: Annotated[float, Gt(0)] = 1.0

    def __call__(self, recording: Recording, labels: Tensor) -> Tensor:
        """Return weight * (synaptic operations / those if every neuron fired in every step); labels are not used."""
        assert recording.plan is not None  # the networks that this loss is allowed for record it
        fans = mean_fan_outs(recording.plan)
        most = [layer.neurons * fans.get(layer.name, 0.0) for layer in recording.layers]
        shares = [rate.spike_rate * (count / sum(most)) for rate, count in zip(recording.layers, most, strict=True)]
        return self.weight * torch.stack(shares).sum()

    def constrained(self, layers: Iterable[HiddenLayer]) -> list[HiddenLayer]:
        """Return those of the hidden layers that this term acts on: all of them."""
        return list(layers)
