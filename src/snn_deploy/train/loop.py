"""loop: trains one network from a config and leaves a run folder.

RUN/config.toml                the resolved config
RUN/metrics.jsonl              one JSON object per epoch
RUN/checkpoints/last.safetensors
RUN/float_network.npz          the trained FloatNetwork, what `export` reads
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from torch import Tensor

from snn_deploy.atomic_file import write_text
from snn_deploy.plugin import load_plugin
from snn_deploy.train.checkpoint import Progress, write_checkpoint
from snn_deploy.train.config import TrainConfig
from snn_deploy.train.float_network import FloatNetwork, write_float_network
from snn_deploy.train.recording import Recording
from snn_deploy.train.samples import Samples
from snn_deploy.train.spiking_network import Pass, SpikingNetwork
from snn_deploy.train.to_float_network import to_float_network
from snn_deploy.user_error import UserError

_TEST_BATCH = 250


@dataclass(frozen=True)
class Watcher:
    """What the caller wants to see: called after every batch and after every epoch."""

    batch: Callable[[int, int, int, float], None] = lambda epoch, batch, batches, loss: None
    epoch: Callable[[Mapping[str, Any]], None] = lambda metrics: None


def train(config: TrainConfig, folder: Path, watcher: Watcher | None = None) -> FloatNetwork:
    """Return the network trained as `config` says, after writing the run folder.

    The same config gives the same weights, bit for bit, on the same machine with the same number of threads.
    A loss that is not finite is a UserError; the last checkpoint stays.
    """
    watcher = watcher or Watcher()
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    training = config.data.options.load("train").first(config.training.samples)
    test = config.data.options.load("test")
    generator = torch.Generator().manual_seed(config.seed)
    network = build_network(config, training, generator)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=config.optimizer.learning_rate,
        momentum=config.optimizer.momentum,
        weight_decay=config.optimizer.weight_decay,
    )
    write_text(folder / "config.toml", tomli_w.dumps(config.table()))
    lines: list[str] = []
    for epoch in range(1, config.training.epochs + 1):
        metrics = _train_epoch(config, network, optimizer, training, generator, epoch, watcher)
        metrics |= {"test_accuracy": accuracy(network, test, config.steps)}
        lines.append(json.dumps(metrics))
        write_text(folder / "metrics.jsonl", "\n".join(lines) + "\n")
        progress = Progress(epoch, epoch * _batches(config, training))
        write_checkpoint(folder / "checkpoints" / "last.safetensors", network, optimizer, generator, progress)
        watcher.epoch(metrics)
    provenance = {
        "config": config.table(),
        "float_accuracy": metrics["test_accuracy"],
        "test_samples": len(test.labels),
    }
    float_network = to_float_network(network, training, config.steps, provenance)
    write_float_network(float_network, folder / "float_network.npz")
    return float_network


def build_network(config: TrainConfig, samples: Samples, generator: torch.Generator) -> SpikingNetwork:
    """Return the untrained network of `config` for inputs like `samples`."""
    plan = config.model.options.plan(samples.inputs.shape[1:], samples.classes)
    no_norm = load_plugin("train.norms", "none").Norm()
    return SpikingNetwork(plan, config.neuron.options, config.norm.options, no_norm, generator)


def accuracy(network: SpikingNetwork, samples: Samples, steps: int) -> float:
    """Return the share of `samples` whose largest output is their label."""
    network.eval()
    right = 0
    rectangle = load_plugin("train.surrogates", "rectangle")  # any would do: no gradient is taken
    how = Pass(rectangle.Surrogate(), 1.0, rectangle.slope)
    with torch.no_grad():
        for start in range(0, len(samples.labels), _TEST_BATCH):
            inputs, labels = _tensors(samples, slice(start, start + _TEST_BATCH))
            recording = network(inputs, steps, how)
            right += int((recording.logits.argmax(1) == labels).sum())
    return right / len(samples.labels)


def _train_epoch(
    config: TrainConfig,
    network: SpikingNetwork,
    optimizer: torch.optim.Optimizer,
    samples: Samples,
    generator: torch.Generator,
    epoch: int,
    watcher: Watcher,
) -> dict[str, Any]:
    network.train()
    epochs, batches = config.training.epochs, _batches(config, samples)
    order = torch.randperm(len(samples.labels), generator=generator).numpy()
    surrogate = config.surrogate.options
    needs_potentials = any(choice.options.needs_potentials for choice in config.losses)
    slope = None if needs_potentials else load_plugin("train.surrogates", config.surrogate.name).slope
    how = Pass(surrogate, surrogate.sharpness(epoch, epochs), slope, epoch, epochs)
    totals: dict[str, float] = {}
    for batch in range(batches):
        rate = config.optimizer.learning_rate * _cosine((epoch - 1 + batch / batches) / epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        chosen = order[batch * config.training.batch_size : (batch + 1) * config.training.batch_size]
        inputs, labels = _tensors(samples, chosen)
        recording = network(inputs, config.steps, how)
        losses = {choice.name: choice.options(recording, labels) for choice in config.losses}
        loss = torch.stack(list(losses.values())).sum()
        if not math.isfinite(loss.item()):
            terms = ", ".join(f"{name} {value.item()}" for name, value in losses.items())
            raise UserError(
                f"training: the loss is {loss.item()} in epoch {epoch}, batch {batch + 1} ({terms}). "
                "Lower optimizer.learning_rate; the last finished epoch's checkpoint is kept."
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for name, value in _measured(recording, losses, labels).items():
            totals[name] = totals.get(name, 0.0) + value * len(labels)
        watcher.batch(epoch, batch + 1, batches, loss.item())
    means = {name: total / len(samples.labels) for name, total in totals.items()}
    return {"epoch": epoch, "epochs": epochs, "sharpness": how.sharpness, **means}


def _measured(recording: Recording, losses: Mapping[str, Tensor], labels: Tensor) -> dict[str, float]:
    """Return one batch's loss terms, accuracy, and per layer spike rate, mean potential and quantization error."""
    with torch.no_grad():
        measured = {f"loss/{name}": value.item() for name, value in losses.items()}
        measured["train_accuracy"] = (recording.logits.argmax(1) == labels).float().mean().item()
        for layer in recording.layers:
            measured[f"spike_rate/{layer.name}"] = layer.spike_rate.item()
            measured[f"mean_potential/{layer.name}"] = layer.mean_potential.item()
            measured[f"quantization_error/{layer.name}"] = layer.mean_squared_error.item()
    return measured


def _tensors(samples: Samples, chosen: Any) -> tuple[Tensor, Tensor]:
    inputs = torch.from_numpy(samples.inputs[chosen].astype(np.float32)) * samples.scale
    return inputs, torch.from_numpy(samples.labels[chosen])


def _batches(config: TrainConfig, samples: Samples) -> int:
    return math.ceil(len(samples.labels) / config.training.batch_size)


def _cosine(share: float) -> float:
    """Return the factor of the learning rate after `share` of the training: 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * share))
