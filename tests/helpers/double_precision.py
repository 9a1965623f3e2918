"""Modules in double precision, those of snnTorch and sinabs too, whose spikes are numbers of single precision."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def in_double(module: nn.Module) -> nn.Module:
    """Let `module` compute in double precision from now on, whatever its spike functions give; return it."""
    module.double()
    for part in module.modules():
        if hasattr(part, "spike_grad"):
            part.spike_grad = _called_in_double(part.spike_grad)
        elif getattr(part, "spike_fn", None) is not None:
            part.spike_fn = _AppliedInDouble(part.spike_fn)
    return module


def _called_in_double(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda above: function(above).to(above.dtype)


class _AppliedInDouble:
    """A spike function of sinabs, with the name of the one inside."""

    def __init__(self, function: Any) -> None:
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.max_num_spikes_per_bin = getattr(function, "max_num_spikes_per_bin", None)
        self.function, self.required_states = function, function.required_states

    def apply(self, potential: torch.Tensor, *how: Any) -> torch.Tensor:
        """Return the spikes of `potential`."""
        return self.function.apply(potential, *how).to(potential.dtype)
