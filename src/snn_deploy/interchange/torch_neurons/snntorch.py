"""snnTorch's Leaky and Synaptic (snntorch 1.0, _neurons/leaky.py, _neurons/synaptic.py), without importing it.

mem = beta mem + input, a spike where mem > threshold. By default snnTorch resets one step later: "zero" then takes
nothing along from a potential that fired, which is a reset to zero; "subtract" takes the threshold off after the decay,
which is a soft reset beside a weight of -(1 - beta) threshold from each neuron to itself, one step later.
"""

from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import NodeError
from snn_deploy.interchange.linear.torch_neuron import TorchNeurons, number, require_keep


def leaky(module: Any) -> TorchNeurons:
    """Return what a Leaky does in one step."""
    keep, threshold = np.clip(number(module, "beta"), 0, 1), _threshold(module)
    if module.reset_mechanism == "zero":
        return TorchNeurons(keep, threshold, False)
    if module.reset_mechanism == "none":
        return TorchNeurons(keep, threshold, False, reset="subtract", feedback=keep * threshold)
    if not module.reset_delay:
        raise NodeError(
            "a reset by subtraction without reset_delay: a potential above two thresholds gets it back one step "
            'later. Use reset_mechanism="zero", or reset_delay=True.'
        )
    return TorchNeurons(keep, threshold, False, reset="subtract", feedback=-(1 - keep) * threshold)


def synaptic(module: Any) -> TorchNeurons:
    """Return what a Synaptic does in one step."""
    keep, current_keep = (np.clip(number(module, name), 0, 1) for name in ("beta", "alpha"))
    require_keep("alpha", current_keep)
    threshold = _threshold(module)
    if module.reset_mechanism == "zero" and not module.reset_delay:
        return TorchNeurons(keep, threshold, False, current_keep)
    if module.reset_mechanism == "subtract" and module.reset_delay and (keep == 1).all():
        return TorchNeurons(keep, threshold, False, current_keep, reset="subtract")
    raise NodeError(
        f"reset_mechanism {module.reset_mechanism!r} with reset_delay={module.reset_delay}: it changes the potential "
        'one step after the spike, past the decay. Use reset_mechanism="zero" with reset_delay=False.'
    )


def _threshold(module: Any) -> np.ndarray:
    """Return the threshold of a module that does nothing else that a chip could not."""
    threshold = number(module, "threshold")
    if (threshold <= 0).any():
        raise NodeError(f"the threshold {threshold.min():g}; allowed are positive ones.")
    for name, plain in (("inhibition", False), ("state_quant", False), ("graded_spikes_factor", 1.0)):
        value = getattr(module, name, plain)
        if (number(module, name) != plain).any() if hasattr(value, "detach") else value != plain:
            raise NodeError(f"{name} is {value}; allowed is {plain}.")
    return threshold


CLASSES = {"Leaky": leaky, "Synaptic": synaptic}
