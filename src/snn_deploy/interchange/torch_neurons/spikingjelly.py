"""SpikingJelly's IFNode, LIFNode and ParametricLIFNode (spikingjelly 2.0, neuron/), without importing it.

A spike where v >= v_threshold; v_reset None is a reset by subtraction. Potentials start, and decay to, v_reset or 0.
"""

from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.interchange.linear.torch_neuron import TorchNeurons, number, require_keep


def integrate_and_fire(module: Any) -> TorchNeurons:
    """Return what an IFNode does in one step: v += x."""
    return _neurons(module, np.zeros(()), np.ones(()))


def leaky(module: Any) -> TorchNeurons:
    """Return what a LIFNode does in one step: v += (x - (v - v_reset)) / tau, or v += x - (v - v_reset) / tau."""
    share = 1 / number(module, "tau")
    return _neurons(module, share, share if module.decay_input else np.ones(()))


def parametric(module: Any) -> TorchNeurons:
    """Return what a ParametricLIFNode does in one step: a LIFNode with 1 / tau = sigmoid(w)."""
    share = 1 / (1 + np.exp(-number(module, "w")))
    return _neurons(module, share, share if module.decay_input else np.ones(()))


def _neurons(module: Any, share: np.ndarray, gain: np.ndarray) -> TorchNeurons:
    keep, threshold = 1 - share, number(module, "v_threshold")
    require_keep("tau", keep)
    if module.v_reset is None:
        return TorchNeurons(keep, threshold, True, gain=gain, reset="subtract")
    rest = number(module, "v_reset")
    if (threshold <= rest).any():
        raise NodeError(f"v_threshold {threshold} is not above v_reset {rest}.")
    return TorchNeurons(keep, threshold, True, gain=gain, bias=share * rest, reset_value=rest, initial_value=rest)


CLASSES = {"IFNode": integrate_and_fire, "LIFNode": leaky, "ParametricLIFNode": parametric}
