"""importance: what each channel of a trained network is worth: how much the loss would change without it.

taylor: to first order, the change of a sample's loss when a channel falls silent is the sum of its spikes times the
loss's gradient with respect to them (Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient
Inference", ICLR 2017, Eq. 7; "Importance Estimation for Neural Network Pruning", CVPR 2019). Here its size is averaged
over samples, so that it is counted in the loss itself, for every layer alike. The gradient is the surrogate's.
magnitude: the sum of the sizes of the weights that reach a channel (Li et al., "Pruning Filters for Efficient
ConvNets", ICLR 2017); it says nothing across layers.
Synapses: the smallest weights of a connection go (Han et al., "Learning both Weights and Connections for Efficient
Neural Networks", NeurIPS 2015), and what they are worth together is measured: the mean size of the change of a sample's
loss without them, so in the unit of the channels.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from snn_deploy.fitting.parts import smallest
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network, key_of
from snn_deploy.train.networks.recording import Recording
from snn_deploy.train.run.evaluation import input_tensor
from snn_deploy.train.run.layer_statistics import batches_that_fit


def taylor(network: Network, config: TrainConfig, samples: Samples) -> dict[str, np.ndarray]:
    """Return hidden population -> (channels,): the mean size of the loss's change without the channel, on `samples`."""
    network.eval()
    device, options, loss = next(network.parameters()).device, _options(config), _loss(config)
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


def synapse_sizes(network: Network) -> dict[str, np.ndarray]:
    """Return connection -> the sizes of its weights behind the norm, double, of their shape."""
    found: dict[str, np.ndarray] = {}
    for c in network.plan.connections:
        if c.is_fixed:
            continue
        weights, norm = network.effective_weights(c).detach().double().cpu(), network.norm(c).channel_norm()
        factor = 1.0 if norm is None else norm.factor.reshape(-1, *[1] * (weights.ndim - 1))
        found[c.name] = np.abs(weights.numpy() * factor)
    return found


def synapse_changes(
    network: Network, config: TrainConfig, samples: Samples, sizes: Mapping[str, np.ndarray]
) -> Callable[[str, float], float]:
    """Return what tells, of a connection and a share, the mean size of the loss's change without its smallest weights.

    sizes: as of `synapse_sizes`. The network is as it was after every call.
    """
    network.eval()
    before = _losses(network, config, samples)

    @torch.no_grad()
    def change(name: str, share: float) -> float:
        connection = next(c for c in network.plan.connections if c.name == name)
        weights = network.weights[key_of(connection)]
        whole, kept_before = weights.clone(), network.keeps_zeros
        weights[torch.from_numpy(smallest(sizes[name], share)).to(weights.device)] = 0.0
        network.keeps_zeros = True
        found = float((_losses(network, config, samples) - before).abs().mean())
        weights.copy_(whole)
        network.keeps_zeros = kept_before
        return found

    return change


@torch.no_grad()
def _losses(network: Network, config: TrainConfig, samples: Samples) -> Tensor:
    """Return (samples,): the loss of each."""
    device, options, loss = next(network.parameters()).device, _options(config), _loss(config)
    found: list[Tensor] = []
    for chosen in batches_that_fit(network.plan, len(samples.labels), config.steps):
        labels = torch.from_numpy(samples.labels[chosen]).to(device)
        recording = network(input_tensor(samples, chosen, device), config.steps, options)
        for i in range(len(chosen)):  # losses are means over a batch
            found.append(loss(replace(recording, output=recording.output[:, i : i + 1]), labels[i : i + 1]))
    return torch.stack(found).double()


def _options(config: TrainConfig) -> ForwardOptions:
    surrogate = config.surrogate.options
    return ForwardOptions(surrogate, float(surrogate.sharpness(config.training.epochs, config.training.epochs)))


def _loss(config: TrainConfig) -> Callable[[Recording, Tensor], Tensor]:
    """Return the loss that classifies."""
    found: Callable[[Recording, Tensor], Tensor] = next(c.options for c in config.losses if c.options.classifies)
    return found
