"""layer_error: how far the rates of one layer are from the activations that they stand for, added up over batches."""

import math

import torch
from torch import Tensor

from snn_deploy.train.ann_first.conversion import LayerConversion


class LayerError:
    """The sums for one layer. scale: the activation that a spike in every step stands for."""

    def __init__(self, scale: float) -> None:
        self.scale, self.count = scale, 0
        self.sums = torch.zeros(6, dtype=torch.float64)

    def add(self, spikes: Tensor, activations: Tensor) -> None:
        """Add a batch. spikes: (steps, batch, *shape). activations: (batch, *shape)."""
        found, right = spikes.mean(0).double() * self.scale, activations.double()
        terms = (found, right, (found - right).abs(), found * found, right * right, found * right)
        self.sums += torch.stack([term.sum() for term in terms]).cpu()
        self.count += found.numel()

    def result(self, layer: str) -> LayerConversion:
        """Return the means over everything that was added."""
        found, right, error, squared_found, squared_right, product = (self.sums / self.count).tolist()
        spread = math.sqrt(max(squared_found - found**2, 0.0) * max(squared_right - right**2, 0.0))
        return LayerConversion(
            layer,
            self.scale,
            found / self.scale,
            error / right if right else None,
            (product - found * right) / spread if spread else None,
        )
