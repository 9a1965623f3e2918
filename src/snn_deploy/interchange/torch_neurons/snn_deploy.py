"""The LIF of this package (train/layers/lif_module.py)."""

from typing import Any

from snn_deploy.interchange.linear.torch_neuron import TorchNeurons, number


def lif(module: Any) -> TorchNeurons:
    """Return what a LIF does in one step."""
    neuron = module.neuron
    return TorchNeurons(
        number(neuron, "voltage_keep"), number(neuron, "threshold"), fires_at_threshold=neuron.fires_at_threshold
    )


CLASSES = {"LIF": lif}
