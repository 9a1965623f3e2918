"""sinabs' neurons (sinabs 3.1, layers/), without importing it.

i = alpha_syn (i + input), without tau_syn i = input; v = alpha_mem v + (1 - alpha_mem) i, without norm_input
alpha_mem v + i; a spike where v >= spike_threshold. Layers take all steps of a sample, (batch, steps, ...), those with
Squeeze in their name (batch * steps, ...).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.interchange.linear.torch_neuron import NeuronCall, TorchNeurons, number, refused, require_keep
from snn_deploy.interchange.linear.torch_recurrent import recurrent_weights


def leaky(module: Any) -> TorchNeurons:
    """Return what a LIF does in one step; an IAF is one that keeps all, an ExpLeak one that does not fire."""
    keep = number(module, "alpha_mem_calculated")
    require_keep("tau_mem", keep)
    gain = 1 - keep if module.norm_input else np.ones(())
    current_keep = np.zeros(())
    if module.alpha_syn_calculated is not None:
        current_keep = number(module, "alpha_syn_calculated")
        require_keep("tau_syn", current_keep)
        gain = gain * current_keep
    if module.min_v_mem is not None:
        raise NodeError(
            f"min_v_mem is {number(module, 'min_v_mem').max():g}: potentials are cut off below it, which no population "
            "does. Train with min_v_mem=None."
        )
    if module.spike_fn is None:
        return TorchNeurons(keep, np.ones(()), True, current_keep, gain=gain, fires=False)
    _require_single_spikes(module.spike_fn)
    threshold = number(module, "spike_threshold")
    if (threshold <= 0).any():
        raise NodeError(f"spike_threshold {threshold.min():g}; allowed are positive ones.")
    return TorchNeurons(keep, threshold, True, current_keep, gain=gain, **_reset(module, keep, current_keep, threshold))


def recurrent(module: Any) -> TorchNeurons:
    """Return what a LIFRecurrent or an IAFRecurrent does in one step: its spikes come back one step later.

    The bias of the recurrent weights comes with the spikes, so not in the first step: an initial potential takes it
    out.
    """
    found, weights = leaky(module), recurrent_weights(module.rec_connect)
    if not weights.bias.any():
        return replace(found, recurrent=weights)
    if found.current_keep.any() or not found.voltage_keep.all():
        raise NodeError(
            "recurrent weights with a bias, which sinabs leaves out in the first step, beside a synaptic current. "
            "Use bias=False."
        )
    bias = weights.bias.reshape(-1, *[1] * (weights.weights.ndim - 2))
    return replace(found, recurrent=weights, initial_value=found.initial_value - found.gain * bias / found.voltage_keep)


def called(module: Any, arguments: Mapping[str, Any], result: torch.Tensor) -> NeuronCall:
    """Return the tensors of a call; the module keeps its states."""
    if not hasattr(module, "num_timesteps"):
        return NeuronCall(arguments["input_data"], result, time="second")
    samples = module.batch_size if module.batch_size > 0 else len(result) // module.num_timesteps
    return NeuronCall(arguments["input_data"], result, time="flat", samples=samples)


def forget(module: Any) -> None:
    """Empty the states; the next call begins new ones, of its own shape."""
    for name, _ in list(module.named_buffers(recurse=False)):
        module.register_buffer(name, torch.zeros(0))


def _reset(module: Any, keep: np.ndarray, current_keep: np.ndarray, threshold: np.ndarray) -> dict[str, Any]:
    """Return the fields of TorchNeurons that say what a spike does.

    MembraneSubtract may take off another value than the threshold: the difference comes back one step later, and two
    steps later what the current kept of it is taken out. MembraneReset adds its value to all potentials after each
    step, whether they fired or not: a reset to 0 and a bias.
    """
    how = module.reset_fn
    if type(how).__name__ == "MembraneSubtract":
        taken = threshold if how.subtract_value is None else number(how, "subtract_value")
        back = keep * (threshold - taken)
        return {"reset": "subtract", "feedback": back, "second_feedback": -current_keep * back}
    if type(how).__name__ == "MembraneReset":
        value = number(how, "reset_value")
        return {"bias": keep * value, "initial_value": -value}
    raise NodeError(f"reset_fn {type(how).__name__}; allowed are MembraneSubtract and MembraneReset.")


def _require_single_spikes(function: Any) -> None:
    name = getattr(function, "__name__", type(function).__name__)
    if name == "SingleSpike" or (name == "MaxSpike" and function.max_num_spikes_per_bin == 1):
        return
    raise NodeError(
        f"spike_fn {name}: a neuron sends several spikes in one step. Train with spike_fn=SingleSpike."
        if name in ("MultiSpike", "MaxSpike")
        else f"spike_fn {name}; allowed are SingleSpike and MaxSpike(1)."
    )


_ADAPTS = "its threshold moves with its spikes (adaptation). Use a LIF."
_ENCODES = "it draws random spikes. Leave it out, and pass in spikes."
CLASSES = {
    "LIF": leaky,
    "LIFSqueeze": leaky,
    "IAF": leaky,
    "IAFSqueeze": leaky,
    "ExpLeak": leaky,
    "ExpLeakSqueeze": leaky,
    "LIFRecurrent": recurrent,
    "IAFRecurrent": recurrent,
    "ALIF": refused(_ADAPTS),
    "ALIFRecurrent": refused(_ADAPTS),
    "NeuromorphicReLU": refused("it rounds numbers and keeps no potential. Use an IAF."),
    "SpikingMaxPooling2dLayer": refused(
        "it passes on the spikes of the neuron that fired most so far, a count that no population keeps. Use average "
        "pooling."
    ),
    "Img2SpikeLayer": refused(_ENCODES),
    "Sig2SpikeLayer": refused(_ENCODES),
}
