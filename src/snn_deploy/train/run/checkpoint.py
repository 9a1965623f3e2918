"""checkpoint: everything a run needs to go on from any batch, in one safetensors file (no pickle).

Holds the network's parameters and statistics, the state of the optimizer and of the random generator, how far
the run is, and its config, and the SHA-256 of all that; its arrays are those of any device. The same state gives the
same bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from snn_deploy.network.field_check import is_whole, shown
from snn_deploy.support.array_file import content_digest, refuse_constant
from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.npz_file import reason
from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled.arithmetic import EVERY_ARITHMETIC, Arithmetic
from snn_deploy.train.networks.network import Network
from snn_deploy.train.processes.devices import EVERY_DEVICE, Device
from snn_deploy.train.run.optimizer import load_state_tensors, state_tensors

_MOST_THREADS = 2**16  # far more than any machine has


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    epoch: epochs finished. batch: batches finished in the epoch after them.
    order: (samples,) the order of the samples in that epoch; totals: the sums of its metrics so far, each batch's
    times its samples; None and empty between epochs. sharpness: the surrogate's in that epoch; between epochs that of
    the one before, which an adaptive surrogate goes on from.
    """

    epoch: int = 0
    batch: int = 0
    order: Tensor | None = None
    sharpness: float | None = None
    totals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What a run was started as.

    config: as a table. threads: torch's. parent: the parent's checkpoint's SHA-256. synapses: what those of spikes are
    computed in, and device: what trains, both of which "auto" may have chosen.
    """

    config: Mapping[str, Any]
    threads: int
    parent: str | None = None
    synapses: Arithmetic = "float32"
    device: Device = "cpu"


@dataclass(frozen=True)
class TrainingState:
    """What training changes in place."""

    network: Network
    optimizer: torch.optim.Optimizer
    generator: torch.Generator


def write_checkpoint(path: Path, state: TrainingState, progress: Progress, origin: Origin) -> None:
    """Write the state of a run, whole or not at all. A value that is not finite or a full disk is a UserError."""
    require_finite(state.network, progress)
    tensors: dict[str, Tensor] = {f"network/{n}": t for n, t in state.network.state_dict().items()}
    tensors |= state_tensors(state.optimizer)
    tensors["generator"] = state.generator.get_state()
    if progress.order is not None:
        tensors["order"] = progress.order
    run = {
        "epoch": progress.epoch,
        "batch": progress.batch,
        "sharpness": progress.sharpness,
        "totals": dict(progress.totals),
        "config": dict(origin.config),
        "threads": origin.threads,
        "parent": origin.parent,
        "synapses": origin.synapses,
        "device": origin.device,
    }
    tensors = {n: t.cpu().contiguous() for n, t in tensors.items()}
    # One key only: safetensors writes several in a random order.
    content = save(tensors, {"run": json.dumps({**run, "sha256": _content_digest(run, tensors)})})
    write_bytes(path, content)


def require_finite(network: nn.Module, progress: Progress) -> None:
    """Raise a UserError that names the first parameter or statistic of `network` that is not finite."""
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise UserError(
                f"training: {name} is not finite after {progress.batch} batches of epoch {progress.epoch + 1}. "
                "Lower optimizer.learning_rate and train again; the last checkpoint is kept."
            )


def read_origin(path: Path) -> tuple[Origin, Progress]:
    """Return what the run of a checkpoint was started as, and how far it was; nothing else is touched."""
    _, origin, progress = _read(path)
    return origin, progress


def read_checkpoint(path: Path, state: TrainingState) -> Progress:
    """Put the state in `path` into `state`; return how far the run was."""
    tensors, _, progress = _read(path)
    _load_network(path, tensors, state.network)
    try:
        load_state_tensors(state.optimizer, tensors)
        state.generator.set_state(tensors["generator"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: not a whole checkpoint ({reason(error)}). Train again with --force.") from error
    return progress


def read_network_state(path: Path, network: nn.Module) -> None:
    """Put the parameters and statistics in `path` into `network`, and nothing else anywhere."""
    tensors, _, _ = _read(path)
    _load_network(path, tensors, network)


def checkpoint_digest(path: Path) -> str:
    """Return the SHA-256 of the file, as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load_network(path: Path, tensors: Mapping[str, Tensor], network: nn.Module) -> None:
    state = {n.removeprefix("network/"): t for n, t in tensors.items() if n.startswith("network/")}
    wanted = network.state_dict()
    differing = sorted(set(state) ^ set(wanted)) + [
        f"{name} ({tuple(state[name].shape)}, not {tuple(tensor.shape)})"
        for name, tensor in wanted.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if differing:
        raise UserError(f"{path}: holds another network; these differ: {', '.join(differing)}.")
    network.load_state_dict(state)


def _content_digest(run: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of what a checkpoint holds."""
    return content_digest(run, {name: tensor.numpy() for name, tensor in tensors.items()})


def _read(path: Path) -> tuple[dict[str, Tensor], Origin, Progress]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            run = json.loads(file.metadata()["run"], parse_constant=refuse_constant)
        if run.pop("sha256", None) != _content_digest(run, tensors):
            raise ValueError("its content does not match its SHA-256")
        origin, progress = _origin(run), _progress(run, tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UserError(f"{path}: not a whole checkpoint ({reason(error)}). Train again with --force.") from error
    return tensors, origin, progress


def _origin(run: Mapping[str, Any]) -> Origin:
    config, threads, parent, synapses = run["config"], run["threads"], run["parent"], run["synapses"]
    device = run["device"]
    if not (isinstance(config, dict) and is_whole(threads, 1, _MOST_THREADS) and isinstance(parent, str | None)):
        raise TypeError(f"config, threads or parent of another type: threads {shown(threads)}, parent {shown(parent)}")
    if synapses not in EVERY_ARITHMETIC:
        raise ValueError(f"synapses {shown(synapses)}, none of {', '.join(EVERY_ARITHMETIC)}")
    if device not in EVERY_DEVICE:
        raise ValueError(f"device {shown(device)}, none of {', '.join(EVERY_DEVICE)}")
    return Origin(config, threads, parent, synapses, device)


def _progress(run: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Progress:
    epoch, batch, sharpness, totals = (run[name] for name in ("epoch", "batch", "sharpness", "totals"))
    numbers = [*totals.values(), *([] if sharpness is None else [sharpness])]
    if not (
        is_whole(epoch, 0, 2**31) and is_whole(batch, 0, 2**31) and all(isinstance(n, int | float) for n in numbers)
    ):
        raise TypeError(f"progress of another type: epoch {shown(epoch)}, batch {shown(batch)}")
    order = tensors.get("order")
    if order is not None and (order.ndim != 1 or order.dtype != torch.int64):
        raise TypeError(f"an order of type {order.dtype} and shape {tuple(order.shape)}")
    return Progress(epoch, batch, order, sharpness, totals)
