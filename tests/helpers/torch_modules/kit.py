"""What a framework gives a random module: its layers without a state, its neurons, and how a neuron is called."""

from typing import Any

import numpy as np
import torch
from torch import nn


class Draw:
    """Random decisions, all from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < probability)

    def one_of(self, *choices: Any) -> Any:
        """Return one of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def whole(self, low: int, high: int) -> int:
        """Return a whole number, low..high."""
        return int(self.rng.integers(low, high + 1))

    def real(self, low: float, high: float) -> float:
        """Return a number between the two."""
        return float(self.rng.uniform(low, high))

    def reals(self, low: float, high: float, shape: tuple[int, ...]) -> torch.Tensor:
        """Return such numbers in a tensor."""
        return torch.tensor(self.rng.uniform(low, high, shape), dtype=torch.float32)

    def scalar_or_each(self, low: float, high: float, shape: tuple[int, ...]) -> Any:
        """Return one number, or one for each channel of neurons of `shape`."""
        if self.chance(0.7):
            return self.real(low, high)
        return self.reals(low, high, (shape[0], *[1] * (len(shape) - 1)))


class Kit:
    """Layers that take one step, (batch, ...). A kit of a framework overrides what is its own.

    axes_before_channels: 1, the batch; 2 where layers take all steps of a sample.
    """

    axes_before_channels = 1

    def __init__(self, draw: Draw, steps: int) -> None:
        self.draw, self.steps = draw, steps
        self.flatten = draw.one_of("view", "reshape", "method", "function")

    def layer(self, kind: str, *arguments: Any, **fields: Any) -> nn.Module:
        """Return a layer of torch.nn by its name."""
        return getattr(nn, kind)(*arguments, **fields)

    def norm(self, channels: int, dimensions: int) -> nn.Module:
        """Return a batch norm that has seen data: its statistics, gains and shifts are those of a training."""
        norm = self.layer(f"BatchNorm{dimensions}d", channels)
        for part in norm.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.running_mean.copy_(self.draw.reals(-0.3, 0.3, (channels,)))
                part.running_var.copy_(self.draw.reals(0.2, 1.5, (channels,)))
                part.weight.data.copy_(self.draw.reals(0.4, 1.4, (channels,)))
                part.bias.data.copy_(self.draw.reals(-0.2, 0.3, (channels,)))
        return norm

    def neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return spiking neurons of `shape`, without the batch."""
        raise NotImplementedError

    def odd_neuron(self, shape: tuple[int, ...]) -> nn.Module:
        """Return neurons that no population can be."""
        raise NotImplementedError

    def fire(self, neuron: nn.Module, current: torch.Tensor, states: dict[str, Any], name: str) -> torch.Tensor:
        """Return the spikes of `neuron`; a kit whose neurons keep no state keeps it in `states` under `name`."""
        return neuron(current)

    def begin(self, module: nn.Module) -> None:
        """Forget the states inside of the neurons of `module`, as its framework does."""
