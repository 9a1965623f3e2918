"""start_from_relu: a spiking network takes over the weights and moments of a ReLU network (Dspike Sec. 5.2).

Scaled from layer to layer: a rate is to be the activation divided by the layer's scale (activation_scales.py). The
quotient of two scales goes into the gain of the norm between them, or into the weights where there is none, so
thresholds stay and no bias is needed. The output sums over the steps, so its weights are divided by their number.
"""

from collections.abc import Mapping

import torch

from snn_deploy.train.ann_first.relu_network import ReluNetwork
from snn_deploy.train.networks.network import key_of
from snn_deploy.train.networks.spiking_network import SpikingNetwork


@torch.no_grad()
def start_from_relu(network: SpikingNetwork, relu: ReluNetwork, scales: Mapping[str, float], steps: int) -> None:
    """Put what `relu` has learned into `network`, of the same plan, norms and threshold.

    scales: of the input and the hidden layers. Decays that `network` learns stay as they are.
    """
    network.load_state_dict(relu.state_dict(), strict=False)  # the ReLU network has no decays
    for connection in network.plan.connections:
        if connection.is_fixed:
            continue  # both of its ends have the same scale
        leaving = 1 / scales.get(connection.target, float(steps))
        weights = network.weights[key_of(connection)]
        network.norm(connection).rescale(weights, arriving=1 / scales[connection.source], leaving=leaving)
