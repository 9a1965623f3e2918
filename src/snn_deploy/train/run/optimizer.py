"""optimizer: what changes the weights in a run, and its state as tensors for the checkpoint."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from snn_deploy.train.config.train_config import Optimizer
from snn_deploy.train.networks.network import Network

# Name in a checkpoint -> torch's, and whether there is one number for each weight.
_STATE: Mapping[str, tuple[str, bool]] = {
    "momentum": ("momentum_buffer", True),
    "mean": ("exp_avg", True),
    "mean_square": ("exp_avg_sq", True),
    "updates": ("step", False),
}


def new_optimizer(options: Optimizer, network: Network, delay_rate: float = 1.0) -> torch.optim.Optimizer:
    """Return the optimizer of `network`'s parameters; those that it names have no weight decay.

    The group of delays has a "delay_rate", which multiplies the learning rate.
    """
    undecayed, delays = network.parameters_without_decay, network.delay_parameters
    groups: list[dict[str, Any]] = [
        {"params": [p for p in network.parameters() if all(p is not other for other in (*undecayed, *delays))]}
    ]
    if undecayed:
        groups.append({"params": undecayed, "weight_decay": 0.0})
    if delays:
        groups.append({"params": delays, "weight_decay": 0.0, "delay_rate": delay_rate})
    rate, decay = options.learning_rate, options.weight_decay
    if options.name == "adamw":
        betas = (options.momentum, options.squares_momentum)
        return torch.optim.AdamW(groups, lr=rate, betas=betas, weight_decay=decay)
    return torch.optim.SGD(groups, lr=rate, momentum=options.momentum, weight_decay=decay)


def parameters_of(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """Return the parameters in the optimizer's order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return NAME/INDEX -> the optimizer's state of that parameter; empty before the first update."""
    found: dict[str, Tensor] = {}
    for i, parameter in enumerate(parameters_of(optimizer)):
        state = optimizer.state.get(parameter, {})
        found |= {f"{name}/{i}": state[key] for name, (key, _) in _STATE.items() if state.get(key) is not None}
    return found


def load_state_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put what `state_tensors` returned into `optimizer`; other shapes or types are a ValueError."""
    for i, parameter in enumerate(parameters_of(optimizer)):
        for name, (key, is_for_each) in _STATE.items():
            tensor = tensors.get(f"{name}/{i}")
            if tensor is None:
                continue
            shape = parameter.shape if is_for_each else torch.Size()
            if (tensor.shape, tensor.dtype) != (shape, parameter.dtype):
                raise ValueError(f"{name} {i} of shape {tuple(tensor.shape)} for {tuple(shape)}")
            optimizer.state[parameter][key] = tensor.to(parameter.device) if is_for_each else tensor
