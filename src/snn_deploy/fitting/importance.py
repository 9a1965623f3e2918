"""importance: what each channel of a trained network is worth: how much the loss would change without it.

taylor: to first order, the change of a sample's loss when a channel falls silent is the sum of its spikes times the
loss's gradient with respect to them (Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient
Inference", ICLR 2017, Eq. 7; "Importance Estimation for Neural Network Pruning", CVPR 2019). Here its size is averaged
over samples, so that it is counted in the loss itself, for every layer alike. The gradient is the surrogate's.
magnitude: the sum of the sizes of the weights that reach a channel (Li et al., "Pruning Filters for Efficient
ConvNets", ICLR 2017); it says nothing across layers.
"""

import numpy as np
import torch

from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network
from snn_deploy.train.run.evaluation import input_tensor
from snn_deploy.train.run.layer_statistics import batches_that_fit


def taylor(network: Network, config: TrainConfig, samples: Samples) -> dict[str, np.ndarray]:
    """Return hidden population -> (channels,): the mean size of the loss's change without the channel, on `samples`."""
    network.eval()
    device = next(network.parameters()).device
    surrogate = config.surrogate.options
    options = ForwardOptions(surrogate, float(surrogate.sharpness(config.training.epochs, config.training.epochs)))
    loss = next(choice.options for choice in config.losses if choice.options.classifies)
    sums: dict[str, np.ndarray] = {}
    for chosen in batches_that_fit(network.plan, len(samples.labels), config.steps):
        inputs, labels = input_tensor(samples, chosen, device), torch.from_numpy(samples.labels[chosen]).to(device)
        recording = network(inputs, config.steps, options)
        spikes = [layer.spikes for layer in recording.layers]
        gradients = torch.autograd.grad(loss(recording, labels) * len(chosen), spikes)
        for layer, sent, gradient in zip(recording.layers, spikes, gradients, strict=True):
            change = (gradient * sent.detach()).sum(0)  # (batch, channels, ...)
            change = change.flatten(2).sum(2) if change.ndim > 2 else change
            found = change.abs().double().sum(0).cpu().numpy()  # (channels,)
            sums[layer.name] = sums.get(layer.name, 0.0) + found
    return {name: total / len(samples.labels) for name, total in sums.items()}


def magnitude(network: Network) -> dict[str, np.ndarray]:
    """Return hidden population -> (channels,): the sum of the sizes of the weights that reach the channel."""
    found: dict[str, np.ndarray] = {}
    for p in network.plan.populations[:-1]:
        sizes = [network.effective_weights(c).detach().abs().flatten(1).sum(1) for c in network.plan.connections_to(p)]
        found[p.name] = torch.stack(sizes).sum(0).double().cpu().numpy()
    return found
