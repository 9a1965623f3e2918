"""The LIF of this package (train/layers/lif_module.py)."""

from collections.abc import Mapping
from typing import Any

import torch

from snn_deploy.interchange.linear.torch_neuron import NeuronCall, TorchNeurons, number


def lif(module: Any) -> TorchNeurons:
    """Return what a LIF does in one step."""
    neuron = module.neuron
    return TorchNeurons(
        number(neuron, "voltage_keep"), number(neuron, "threshold"), fires_at_threshold=neuron.fires_at_threshold
    )


def called(_module: Any, arguments: Mapping[str, Any], result: torch.Tensor) -> NeuronCall:
    """Return the tensors of a call, which is one step."""
    return NeuronCall(arguments["currents"], result)


def forget(module: Any) -> None:
    """Drop the potentials."""
    module.carried = None


CLASSES = {"LIF": lif}
