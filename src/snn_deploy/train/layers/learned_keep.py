"""learned_keep: a voltage_keep that is trained, and used as the whole number of 1/4096 that a chip can hold.

The parameter is a logit, so that any step of the optimizer leaves a share between 0 and 1. Rounding is skipped in the
gradient (straight-through). Learning the leak of each layer: Fang et al., "Incorporating Learnable Membrane Time
Constant", ICCV 2021, which does not round.
"""

import math

import torch
from torch import Tensor, nn

from snn_deploy.network.state_units import DECAY_UNITY


def keep_logit(start: float) -> nn.Parameter:
    """Return the parameter, a scalar, of a voltage_keep that starts at `start`, between 0 and 1."""
    return nn.Parameter(torch.tensor(math.log(start / (1 - start))))


def whole_keep(logit: Tensor) -> Tensor:
    """Return the voltage_keep, a scalar that is exactly a whole number of 1/4096; differentiable."""
    keep = torch.sigmoid(logit)
    whole = torch.round(keep.detach() * DECAY_UNITY).clamp(min=1) / DECAY_UNITY  # Loihi always leaves 1/4096
    return whole + (keep - keep.detach())  # adds 0, and the gradient
