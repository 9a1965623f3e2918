"""sharpness: how sharp the surrogate is in an epoch; most say it themselves, an adaptive one asks the network."""

import torch
from torch import Tensor

from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.compiled.lif_kernels import Slope
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.network import Network
from snn_deploy.train.run.finite_difference import best_sharpness, finite_difference_gradient


def sharpness_at(
    config: TrainConfig, network: Network, batch: tuple[Tensor, Tensor], epoch: int, previous: float | None
) -> float:
    """Return the surrogate's sharpness in `epoch` (from 1).

    batch: (inputs, labels) on which an adaptive surrogate compares gradients. previous: the sharpness of the epoch
    before; None in the first.
    """
    surrogate = config.surrogate.options
    present: float = surrogate.sharpness(epoch, config.training.epochs) if previous is None else previous
    if not hasattr(surrogate, "adapted"):
        return float(surrogate.sharpness(epoch, config.training.epochs))
    weights = network.first_weights
    chosen = torch.linspace(0, weights.numel() - 1, probed_weights(config, network)).round().long().unique()

    def best_of(candidates: list[float]) -> float:
        was_training = network.training
        network.eval()  # running statistics: probing leaves no trace in them
        with torch.no_grad():
            difference = finite_difference_gradient(
                lambda: _loss(config, network, batch, epoch, present).item(), weights, chosen, surrogate.epsilon
            )
        best = best_sharpness(
            candidates,
            lambda c: torch.autograd.grad(_loss(config, network, batch, epoch, c), weights)[0].view(-1)[chosen],
            difference,
        )
        network.train(was_training)
        return best

    return float(surrogate.adapted(epoch, present, best_of))


def probed_weights(config: TrainConfig, network: Network) -> int:
    """Return how many of the first layer's weights an adaptive surrogate probes; 0 where it does not adapt."""
    surrogate = config.surrogate.options
    return min(surrogate.weights, network.first_weights.numel()) if hasattr(surrogate, "adapted") else 0


def compiled_slope(config: TrainConfig) -> Slope | None:
    """Return the surrogate's compilable form; None where a loss needs potentials, which only the plain path keeps."""
    if any(choice.options.needs_potentials for choice in config.losses):
        return None
    slope: Slope = load_plugin("train.surrogates", config.surrogate.name).slope
    return slope


def _loss(config: TrainConfig, network: Network, batch: tuple[Tensor, Tensor], epoch: int, sharpness: float) -> Tensor:
    inputs, labels = batch
    options = ForwardOptions(config.surrogate.options, sharpness, compiled_slope(config), epoch, config.training.epochs)
    recording = network(inputs, config.steps, options)
    return torch.stack([choice.options(recording, labels) for choice in config.losses]).sum()
