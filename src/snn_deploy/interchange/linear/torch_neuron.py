"""What a spiking torch module does in one step, as numbers, and how it is called: what torch_neurons/ finds out."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.network.neuron_reset import Reset, nothing


@dataclass(frozen=True)
class TorchNeurons:
    """One step: u = current_keep u + gain x; v = voltage_keep v + u + bias; fires; resets (see FloatPopulation).

    Arrays of one number, one per channel or one per neuron. feedback: what each neuron gets of its own spike one step
    later, beside the reset; 0 is nothing. recurrent: weights from all spikes of the layer to its neurons, one step
    later, whose result is added to x. Neurons that do not fire show their potential.
    """

    voltage_keep: np.ndarray
    threshold: np.ndarray
    fires_at_threshold: bool
    current_keep: np.ndarray = field(default_factory=nothing)
    gain: np.ndarray = field(default_factory=lambda: np.ones(()))
    bias: np.ndarray = field(default_factory=nothing)
    reset: Reset = "value"
    reset_value: np.ndarray = field(default_factory=nothing)
    initial_value: np.ndarray = field(default_factory=nothing)
    feedback: np.ndarray = field(default_factory=nothing)
    recurrent: Dense | Convolution | None = None
    fires: bool = True


Time = Literal["none", "first", "second", "flat"]
"""Where the steps are in the tensor that a spiking module gets.

none: it is one step, (batch, ...). first: (steps, batch, ...). second: (batch, steps, ...). flat: (batch * steps, ...),
the steps of a sample one after another.
"""


@dataclass(frozen=True)
class NeuronCall:
    """One call of a spiking module.

    arrives: what its neurons get. leaves: their spikes, of the same shape. before: the state that the caller passed,
    None where the module began one or keeps it itself. after: the state that it returned, empty where it keeps it.
    """

    arrives: torch.Tensor
    leaves: torch.Tensor
    before: tuple[torch.Tensor, ...] | None = None
    after: tuple[torch.Tensor, ...] = ()
    time: Time = "none"


def number(module: Any, name: str) -> np.ndarray:
    """Return the attribute `name` of a module, a tensor or a number, in double precision."""
    value = getattr(module, name)
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    return np.asarray(value, np.float64)


def require_keep(name: str, keep: np.ndarray) -> None:
    """Raise a NodeError unless `keep` is the share that a step leaves."""
    if not ((keep >= 0) & (keep <= 1)).all():
        raise NodeError(f"{name} leaves {keep.min():g}..{keep.max():g} of a state per step; allowed is 0..1.")
