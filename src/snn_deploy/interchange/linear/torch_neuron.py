"""What a spiking torch module does in one step, as numbers, and how it is called: what torch_neurons/ finds out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.network.neuron_reset import Reset, nothing


@dataclass(frozen=True)
class TorchNeurons:
    """One step: u = current_keep u + gain x; v = voltage_keep v + u + bias; fires; resets (see FloatPopulation).

    Arrays of one number, one per channel or one per neuron. feedback, second_feedback: what the current u of each
    neuron gets of its own spike one and two steps later, beside the reset and without the gain; 0 is nothing.
    recurrent: weights from all spikes of the layer to its neurons, one step later, whose result is added to x; its bias
    is added in every step, the first included. Neurons that do not fire show their potential.
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
    second_feedback: np.ndarray = field(default_factory=nothing)
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
    None where there is none. begins: whether the module then began from its first state; else it kept the state itself,
    and goes on. after: the state that it returned, empty where it keeps it. samples: how many samples the module takes
    a flat tensor to be; None where it does not say.
    """

    arrives: torch.Tensor
    leaves: torch.Tensor
    before: tuple[torch.Tensor, ...] | None = None
    after: tuple[torch.Tensor, ...] = ()
    begins: bool = False
    time: Time = "none"
    samples: int | None = None


def number(module: Any, name: str) -> np.ndarray:
    """Return the attribute `name` of a module, a tensor or a number, in double precision."""
    value = getattr(module, name)
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    return np.asarray(value, np.float64)


def require_keep(name: str, keep: np.ndarray) -> None:
    """Raise a NodeError unless `keep` is the share that a step leaves."""
    if not ((keep >= 0) & (keep <= 1)).all():
        raise NodeError(f"{name} leaves {keep.min():g}..{keep.max():g} of a state per step; allowed is 0..1.")


def refused(reason: str) -> Callable[[Any], NoReturn]:
    """Return what a plug-in holds for neurons that are no population: a function that raises `reason`."""

    def refuse(_module: Any) -> NoReturn:
        raise NodeError(reason)

    return refuse


def require_step(name: str, function: Callable[[torch.Tensor], torch.Tensor], *, at_zero: bool) -> None:
    """Raise a NodeError unless `function`, of potentials above the threshold, is a step from 0 to 1."""
    tiny = torch.finfo(torch.float64).tiny
    with torch.no_grad():
        found = function(torch.tensor([-2.0, -tiny, 0.0, tiny, 2.0, 7.0], dtype=torch.float64)).tolist()
    if found != [0.0, 0.0, float(at_zero), 1.0, 1.0, 1.0]:
        raise NodeError(
            f"{name} gives {found} for potentials of -2, -0, 0, +0, 2 and 7 above the threshold; allowed is 1 "
            f"{'at' if at_zero else 'above'} the threshold and 0 below."
        )
