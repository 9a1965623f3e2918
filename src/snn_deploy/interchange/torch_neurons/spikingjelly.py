"""SpikingJelly's neurons (spikingjelly 2.0, activation_based/neuron/), without importing it.

A spike where v >= v_threshold; v_reset None is a reset by subtraction. Potentials decay to v_reset or 0, and start
where reset() puts them. step_mode "m" does the same to all steps of a sample, which come first.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.interchange.linear.torch_neuron import (
    NeuronCall,
    TorchNeurons,
    number,
    refused,
    require_keep,
    require_step,
)


def integrate_and_fire(module: Any) -> TorchNeurons:
    """Return what an IFNode does in one step: v += x. HalfThresholdIFNode is one that starts at half the threshold."""
    return _neurons(module, np.zeros(()), np.ones(()))


def leaky(module: Any) -> TorchNeurons:
    """Return what a LIFNode does in one step: v += (x - (v - v_reset)) / tau, or v += x - (v - v_reset) / tau.

    OTTTLIFNode and SLTTLIFNode learn in another way and run, in evaluation, like it.
    """
    share = 1 / number(module, "tau")
    return _neurons(module, share, share if module.decay_input else np.ones(()))


def parametric(module: Any) -> TorchNeurons:
    """Return what a ParametricLIFNode does in one step: a LIFNode with 1 / tau = sigmoid(w)."""
    share = 1 / (1 + np.exp(-number(module, "w")))
    return _neurons(module, share, share if module.decay_input else np.ones(()))


def simple_leaky(module: Any) -> TorchNeurons:
    """Return what a SimpleLIFNode does in one step: a LIFNode, but v starts at 0."""
    if module.v_reset is None:
        raise NodeError("v_reset is None, with which a SimpleLIFNode cannot run. Use a LIFNode.")
    return leaky(module)


def current_based(module: Any) -> TorchNeurons:
    """Return what a CUBALIFNode does in one step: c = c_decay c + x, v = v_decay v + c, whatever v_reset is."""
    current_keep, keep = number(module, "c_decay"), number(module, "v_decay")
    require_keep("c_decay", current_keep)
    require_keep("v_decay", keep)
    return _neurons(module, 1 - keep, np.ones(()), current_keep, decays_to_reset=False)


def called(module: Any, arguments: Mapping[str, Any], result: torch.Tensor) -> NeuronCall:
    """Return the tensors of a call; the module keeps its states."""
    arrives = [*arguments.get("args", ()), *arguments.get("kwargs", {}).values()][0]
    return NeuronCall(arrives, result, time="first" if module.step_mode == "m" else "none")


def forget(module: Any) -> None:
    """Put the states back to where they start; some that are refused have none."""
    if hasattr(module, "reset"):
        module.reset()


def _neurons(
    module: Any,
    share: np.ndarray,
    gain: np.ndarray,
    current_keep: np.ndarray | None = None,
    *,
    decays_to_reset: bool = True,
) -> TorchNeurons:
    """Return neurons that lose `share` of what they are above rest in a step."""
    keep, threshold = 1 - share, number(module, "v_threshold")
    require_keep("tau", keep)
    require_step("surrogate_function", module.surrogate_function, at_zero=True)
    if getattr(module, "_neuron_precision", None) is not None:
        raise NodeError("its states have a precision of their own (_neuron_precision); allowed is None.")
    start = module.get_reset_value("v")
    if not isinstance(start, int | float):
        raise NodeError("reset() puts v to a tensor; allowed is a number, in set_reset_value.")
    initial = np.asarray(float(start))
    current_keep = np.zeros(()) if current_keep is None else current_keep
    if module.v_reset is None:
        return TorchNeurons(keep, threshold, True, current_keep, gain=gain, reset="subtract", initial_value=initial)
    rest = number(module, "v_reset")
    if (threshold <= rest).any():
        raise NodeError(f"v_threshold {threshold} is not above v_reset {rest}.")
    bias = share * rest if decays_to_reset else np.zeros(())
    return TorchNeurons(
        keep, threshold, True, current_keep, gain=gain, bias=bias, reset_value=rest, initial_value=initial
    )


_INTEGERS = "it sends more than one spike, or negative ones, in a step. Use a LIFNode or an IFNode."
_CURVED = "its potential follows a curve, not a constant decay. Use a LIFNode."
_GRADED = "it sends numbers, not spikes. Use a LIFNode."
_SEQUENCE = "it weighs the steps of a whole sample against each other, without a potential. Use a LIFNode."
_READ_OUT = "it puts out potentials of all steps, or their maximum or mean. End in weights, without neurons."
_NOISY = "it adds noise to its potential. Use a LIFNode."
_CODED = "it codes numbers in the times of its spikes. Use a LIFNode or an IFNode."
_LOOPED = "its spikes come back through weights of its own, between groups. Use a LIFNode."
CLASSES = {
    "IFNode": integrate_and_fire,
    "SimpleIFNode": integrate_and_fire,
    "HalfThresholdIFNode": integrate_and_fire,
    "LIFNode": leaky,
    "SimpleLIFNode": simple_leaky,
    "ParametricLIFNode": parametric,
    "OTTTLIFNode": leaky,
    "SLTTLIFNode": leaky,
    "CUBALIFNode": current_based,
    "KLIFNode": refused("it cuts its potential off at 0 in every step (ReLU). Use a LIFNode."),
    "ComplementaryLIFNode": refused("its reset depends on a second memory of its spikes. Use a LIFNode."),
    "GatedLIFNode": refused("its decay, threshold and reset are gates that depend on the spikes. Use a LIFNode."),
    "LIAFNode": refused(_GRADED),
    "ILIFNode": refused(_INTEGERS),
    "TernaryIFNode": refused(_INTEGERS),
    "TernaryLIFNode": refused(_INTEGERS),
    "STBIFNode": refused(_INTEGERS),
    "ActivationAwareIFNode": refused("its threshold moves with its input. Use an IFNode."),
    "QIFNode": refused(_CURVED),
    "EIFNode": refused(_CURVED),
    "IzhikevichNode": refused(_CURVED),
    "RAFNode": refused("its potential oscillates. Use a LIFNode."),
    "PSN": refused(_SEQUENCE),
    "MaskedPSN": refused(_SEQUENCE),
    "SlidingPSN": refused(_SEQUENCE),
    "FlexSN": refused("its dynamics are a function of the user's. Use a LIFNode."),
    "NonSpikingIFNode": refused(_READ_OUT),
    "NonSpikingLIFNode": refused(_READ_OUT),
    "NoisyNonSpikingIFNode": refused(_NOISY),
    "NoisyCUBALIFNode": refused(_NOISY),
    "NoisyILCCUBALIFNode": refused(_NOISY),
    "ILCIFNode": refused(_LOOPED),
    "ILCLIFNode": refused(_LOOPED),
    "ILCCUBALIFNode": refused(_LOOPED),
    "DSRIFNode": refused(_GRADED),
    "DSRLIFNode": refused(_GRADED),
    "MPBNLIFNode": refused("it normalizes its potential in every step. Use a LIFNode."),
    "FewSpikeNode": refused(_CODED),
    "HGNode": refused(_CODED),
    "OutlierAwareThresholdNode": refused(_CODED),
}
