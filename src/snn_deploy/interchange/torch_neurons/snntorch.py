"""snnTorch's neurons (snntorch 1.0, _neurons/), without importing it: what the code does, not its equations.

mem = beta mem + input, a spike where mem > threshold. A potential that fired is reset one step later, when it decays:

- "subtract" takes the threshold off after the decay: a soft reset beside -(1 - beta) threshold of its own spike.
- "none" takes nothing off: a soft reset beside beta threshold of its own spike, which gives it back.
- "zero" makes the Leaky take nothing along, a reset to zero; in the other neurons it also drops what arrives in that
  step, which no population does.

Where there is a synaptic current, alpha times the same two steps later takes out what the current kept of it.
With reset_delay=False the reset comes in the step of the spike, and again one step later where the potential is still
above the threshold; RSynaptic ignores it (it resets a local variable).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError
from snn_deploy.interchange.linear.torch_neuron import (
    NeuronCall,
    TorchNeurons,
    number,
    refused,
    require_keep,
    require_step,
)
from snn_deploy.interchange.linear.torch_recurrent import recurrent_weights

_STATES = {
    "Leaky": ("mem",),
    "Lapicque": ("mem",),
    "Synaptic": ("syn", "mem"),
    "RLeaky": ("spk", "mem"),
    "RSynaptic": ("spk", "syn", "mem"),
    "StateLeaky": (),
}
_RESETS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}


def leaky(module: Any) -> TorchNeurons:
    """Return what a Leaky does in one step."""
    return _neurons(module, _clipped(module, "beta"), module.reset_delay, drops_input=False)


def lapicque(module: Any) -> TorchNeurons:
    """Return what a Lapicque does in one step: mem = (1 - time_step / (R C)) mem + time_step / C input."""
    resistance, capacitance, time_step = (number(module, name) for name in ("R", "C", "time_step"))
    keep = 1 - time_step / (resistance * capacitance)
    require_keep("time_step / (R C)", keep)
    return _neurons(module, keep, True, gain=resistance / (resistance * capacitance) * time_step)


def synaptic(module: Any) -> TorchNeurons:
    """Return what a Synaptic does in one step: syn = alpha syn + input, mem = beta mem + syn."""
    return _neurons(module, _clipped(module, "beta"), module.reset_delay, _clipped(module, "alpha"))


def recurrent_leaky(module: Any) -> TorchNeurons:
    """Return what a RLeaky does in one step: a Leaky whose spikes come back one step later."""
    weights, own = _recurrent(module)
    return _neurons(module, _clipped(module, "beta"), module.reset_delay, own=own, recurrent=weights)


def recurrent_synaptic(module: Any) -> TorchNeurons:
    """Return what a RSynaptic does in one step: a Synaptic whose spikes come back one step later."""
    weights, own = _recurrent(module)
    return _neurons(module, _clipped(module, "beta"), True, _clipped(module, "alpha"), own=own, recurrent=weights)


def state_leaky(module: Any) -> TorchNeurons:
    """Return what a StateLeaky does in one step: mem = exp(-1 / tau) mem + input, never reset."""
    if module.kernel_truncation_steps is not None:
        raise NodeError(
            f"kernel_truncation_steps={module.kernel_truncation_steps}: what arrived before is dropped, which no "
            "decay does. Use kernel_truncation_steps=None."
        )
    keep = np.exp(-1 / number(module, "tau"))
    require_keep("tau", keep)
    if not module.output:
        _require_plain(module, "state_quant", False)
        return TorchNeurons(keep, np.ones(()), False, fires=False)
    threshold = _threshold(module)
    return TorchNeurons(keep, threshold, False, reset="subtract", feedback=keep * threshold)


def called(module: Any, arguments: Mapping[str, Any], result: Any) -> NeuronCall:
    """Return the tensors of a call. A state of another shape than the input is dropped: the module begins a new one."""
    kind, arrives = _kind(module), arguments["input_"]
    returned = result if isinstance(result, tuple) else (result,)
    if kind == "StateLeaky":
        return NeuronCall(arrives, returned[0], begins=True, time="first")
    given = [arguments.get(name) for name in _STATES[kind]]
    passed = tuple(state for state in given if state is not None and state.shape == arrives.shape)
    if passed and len(passed) < len(given):
        raise NodeError(f"{len(passed)} of the states {', '.join(_STATES[kind])} are passed; pass all of them or none.")
    begins = not passed and all(state is not None for state in given)
    after = returned[-len(given) :] if len(returned) > 1 else ()
    return NeuronCall(arrives, returned[0], passed or None, after, begins)


def forget(module: Any) -> None:
    """Empty the states that a module keeps from one call to the next, whether or not it was made with init_hidden."""
    for name in _STATES.get(_kind(module), ()):
        setattr(module, name, torch.zeros(0))


def _kind(module: Any) -> str:
    """Return the class of snnTorch that a module is of, or derived from."""
    return next((kind.__name__ for kind in type(module).__mro__ if kind.__name__ in _STATES), "")


def _neurons(
    module: Any,
    keep: np.ndarray,
    is_delayed: bool,
    current_keep: np.ndarray | None = None,
    *,
    gain: np.ndarray | None = None,
    own: np.ndarray | None = None,
    recurrent: Dense | Convolution | None = None,
    drops_input: bool = True,
) -> TorchNeurons:
    """Return the neurons with the reset of `module`. own: what the current gets of its own spike one step later."""
    threshold, reset = _threshold(module), _RESETS[module.state_function.__name__]
    if not is_delayed and int(module.reset_mechanism_val) != list(_RESETS.values()).index(reset):
        raise NodeError(
            f"it was made with the reset {reset!r} and given another one afterwards, and does both. Make a new one."
        )
    current_keep, own = (np.zeros(()) if value is None else value for value in (current_keep, own))
    gain = np.ones(()) if gain is None else gain
    if reset == "zero":
        if is_delayed and drops_input:
            raise NodeError(
                'reset_mechanism "zero": it holds the potential at 0 through the step after a spike, whatever arrives. '
                + _NO_DELAY.get(_kind(module), 'Use reset_mechanism="subtract".')
            )
        return TorchNeurons(keep, threshold, False, current_keep, feedback=own, gain=gain, recurrent=recurrent)
    if reset == "subtract" and not is_delayed:
        raise NodeError(
            "a reset by subtraction without reset_delay: a potential above two thresholds gets it back one step "
            'later. Use reset_mechanism="zero", or reset_delay=True.'
        )
    late = keep * threshold if reset == "none" else -(1 - keep) * threshold
    return TorchNeurons(
        keep,
        threshold,
        False,
        current_keep,
        reset="subtract",
        gain=gain,
        feedback=own + late,
        second_feedback=-current_keep * late,
        recurrent=recurrent,
    )


_NO_DELAY = dict.fromkeys(("Synaptic", "RLeaky"), 'Use reset_mechanism="subtract", or reset_delay=False.')


def _clipped(module: Any, name: str) -> np.ndarray:
    return np.clip(number(module, name), 0, 1)


def _recurrent(module: Any) -> tuple[Dense | Convolution | None, np.ndarray | None]:
    """Return the weights between all neurons, or those of each to itself."""
    layer = module.recurrent
    if type(layer).__name__ == "RecurrentOneToOne":
        return None, number(layer, "V")
    return recurrent_weights(layer), None


def _threshold(module: Any) -> np.ndarray:
    """Return the threshold of a module that does nothing else that a population could not."""
    threshold = number(module, "threshold")
    if (threshold <= 0).any():
        raise NodeError(f"the threshold {threshold.min():g}; allowed are positive ones.")
    for name, plain in (("inhibition", False), ("state_quant", False), ("graded_spikes_factor", 1.0)):
        _require_plain(module, name, plain)
    require_step("spike_grad", module.spike_grad, at_zero=False)
    return threshold


def _require_plain(module: Any, name: str, plain: float) -> None:
    value = getattr(module, name, plain)
    if (number(module, name) != plain).any() if hasattr(value, "detach") else value != plain:
        raise NodeError(f"{name} is {value}; allowed is {plain}.")


_OWN_WEIGHTS = "it holds weights of its own around the neurons. Use a Linear and a "
CLASSES = {
    "Leaky": leaky,
    "Lapicque": lapicque,
    "Synaptic": synaptic,
    "RLeaky": recurrent_leaky,
    "RSynaptic": recurrent_synaptic,
    "StateLeaky": state_leaky,
    "Alpha": refused(
        "its potential is the difference of two synaptic currents, which a spike resets along with it. Use a Synaptic."
    ),
    "DeltaLeaky": refused("it fires where the potential changes, not where it is above a threshold. Use a Leaky."),
    "LinearLeaky": refused(_OWN_WEIGHTS + "StateLeaky."),
    "LeakyParallel": refused(_OWN_WEIGHTS + "Leaky; this one has a ReLU in every step."),
    "AssociativeLeaky": refused("its state is a matrix that gates change. Use a Leaky."),
    "SLSTM": refused("it is a recurrent network with gates, not integrate-and-fire neurons. Use a RSynaptic."),
    "SConv2dLSTM": refused("it is a recurrent network with gates, not integrate-and-fire neurons. Use a RSynaptic."),
}
