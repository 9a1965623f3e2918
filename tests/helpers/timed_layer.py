"""One layer of spike response neurons behind one connection."""

from snn_deploy.train.networks.network_plan import PlannedConnection
from snn_deploy.train.networks.spike_time_layer import Layer, TimeGradients
from snn_deploy.train.neurons.spike_response import Neuron


def layer_of(neuron: Neuron, weights_shape: tuple[int, ...], steps: int, *, is_compiled: bool = True) -> Layer:
    """Return the layer; kernels of 3 x 3 keep the size of a map."""
    padding = (1, 1) if len(weights_shape) == 4 else (0, 0)
    connection = PlannedConnection("tried", "a", "b", tuple(weights_shape), padding=padding)
    return Layer(neuron, [connection], steps, TimeGradients(), is_compiled)
