"""checkpoint: everything a run needs to go on, in one safetensors file (no pickle).

Holds the network's parameters and statistics, the optimizer's momentum, and the state of the random generator.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from snn_deploy.atomic_file import atomic_path
from snn_deploy.user_error import UserError


@dataclass(frozen=True)
class Progress:
    """How far a run is: epochs finished, and the optimizer's steps in them."""

    epoch: int
    iteration: int


def write_checkpoint(
    path: Path, network: nn.Module, optimizer: torch.optim.SGD, generator: torch.Generator, progress: Progress
) -> None:
    """Write the state of a run between two epochs, whole or not at all."""
    tensors: dict[str, Tensor] = {f"network/{n}": t.contiguous() for n, t in network.state_dict().items()}
    for i, parameter in enumerate(optimizer.param_groups[0]["params"]):
        momentum = optimizer.state.get(parameter, {}).get("momentum_buffer")
        if momentum is not None:
            tensors[f"momentum/{i}"] = momentum.contiguous()
    tensors["generator"] = generator.get_state()
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {"progress": json.dumps([progress.epoch, progress.iteration])})


def read_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.SGD, generator: torch.Generator) -> Progress:
    """Put the state in `path` into `network`, `optimizer` and `generator`; return how far the run was."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            progress = Progress(*json.loads(file.metadata()["progress"]))
        network.load_state_dict({n.removeprefix("network/"): t for n, t in tensors.items() if n.startswith("network/")})
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise UserError(f"{path}: not a checkpoint of this run ({error}). Train again.") from error
    for i, parameter in enumerate(optimizer.param_groups[0]["params"]):
        if f"momentum/{i}" in tensors:
            optimizer.state[parameter]["momentum_buffer"] = tensors[f"momentum/{i}"]
    generator.set_state(tensors["generator"])
    return progress
