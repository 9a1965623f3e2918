"""epoch: one epoch of training, from any of its batches on."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snn_deploy.network.value_errors import value_errors
from snn_deploy.network.value_reading import ValueReading
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.compiled.arithmetic import Arithmetic
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.data.augmentation import augment
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.forward_options import ForwardOptions
from snn_deploy.train.networks.recording import Recording
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Progress, TrainingState
from snn_deploy.train.run.evaluation import input_tensor, label_tensor, quantization_for, scaled
from snn_deploy.train.run.score import ACCURACY_KEY, SMAPE_KEY
from snn_deploy.train.run.sharpness import compiled_slope, probed_weights, sharpness_at


@dataclass(frozen=True)
class TrainingContext:
    """What stays the same from batch to batch.

    forward: the network, or what distributes it. synapses: what those of spikes are computed in.
    """

    config: TrainConfig
    samples: Samples
    state: TrainingState
    forward: nn.Module
    processes: Processes
    synapses: Arithmetic = "float32"

    @property
    def batches(self) -> int:
        """The number of batches in an epoch."""
        return math.ceil(len(self.samples.labels) / self.config.training.batch_size)


def train_epoch(context: TrainingContext, progress: Progress) -> Iterator[Progress]:
    """Train the batches after `progress`, to the end of its epoch; yield the progress after each.

    A loss that is not finite is a UserError, before the weights are changed.
    """
    config, samples, state = context.config, context.samples, context.state
    epoch, epochs = progress.epoch + 1, config.training.epochs
    if progress.order is None:
        order = torch.randperm(len(samples.labels), generator=state.generator)
        first = _whole_batch(context, order[: config.training.batch_size].numpy())
        sharpness = sharpness_at(config, state.network, first, epoch, progress.sharpness)
        progress = replace(progress, order=order, sharpness=sharpness)
    assert progress.order is not None and progress.sharpness is not None
    options = _forward_options(context, epoch, progress.sharpness)
    size = config.training.batch_size
    schedule = load_plugin("train.schedules", config.optimizer.schedule).factor
    context.forward.train()
    for batch in range(progress.batch, context.batches):
        for group in state.optimizer.param_groups:
            passed = (epoch - 1 + batch / context.batches) / epochs
            group["lr"] = config.optimizer.learning_rate * schedule(passed) * _rate(group, options)
        chosen = progress.order[batch * size : (batch + 1) * size].numpy()
        inputs, labels = _training_batch(context, chosen)
        recording = context.forward(inputs, config.steps, options)
        losses = {choice.name: choice.options(recording, labels) for choice in config.losses}
        measured = _measured(recording, losses, labels, samples.reading, context.processes)
        _require_finite(measured, f"epoch {epoch}, batch {batch + 1}")
        state.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        measured |= state.network.gradient_metrics()
        state.optimizer.step()
        totals = {name: progress.totals.get(name, 0.0) + value * len(chosen) for name, value in measured.items()}
        progress = replace(progress, batch=batch + 1, totals=totals)
        yield progress


def epoch_metrics(context: TrainingContext, progress: Progress) -> dict[str, float]:
    """Return the means over the samples of a finished epoch, for one line of metrics."""
    assert progress.sharpness is not None
    epochs = context.config.training.epochs
    network = context.state.network
    probed = probed_weights(context.config, network)
    keeps = {f"voltage_keep/{p.name}": float(network.neuron_of(p).voltage_keep) for p in network.plan.populations[:-1]}
    return {
        "epoch": progress.epoch + 1,
        "epochs": epochs,
        "sharpness": progress.sharpness,
        **({"probed_weights": probed, "first_weights": network.first_weights.numel()} if probed else {}),
        **(keeps if network.neuron.learns_voltage_keep else {}),
        **means_so_far(context, progress),
    }


def means_so_far(context: TrainingContext, progress: Progress) -> dict[str, float]:
    """Return the means over the samples of the epoch's batches up to `progress`."""
    seen = min(progress.batch * context.config.training.batch_size, len(context.samples.labels))
    return {name: total / seen for name, total in progress.totals.items()}


def _rate(group: Mapping[str, Any], options: ForwardOptions) -> float:
    """Return what multiplies the learning rate of a group of parameters; delays that are whole stay."""
    if "delay_rate" not in group:
        return 1.0
    return float(group["delay_rate"]) if options.delay_width else 0.0


def _forward_options(context: TrainingContext, epoch: int, sharpness: float) -> ForwardOptions:
    config = context.config
    slope, epochs = compiled_slope(config), config.training.epochs
    limits = config.quantization.limits(epoch, epochs)
    quantization = quantization_for(context.samples, limits)
    width = config.delays.width_in(epoch, epochs)
    return ForwardOptions(
        config.surrogate.options, sharpness, slope, epoch, epochs, quantization, context.synapses, width
    )


def _whole_batch(context: TrainingContext, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return (inputs, labels) of the samples `chosen`, all of them in every process, not augmented."""
    samples = context.samples
    device = next(context.state.network.parameters()).device
    return input_tensor(samples, chosen, device), label_tensor(samples, chosen, device)


def _training_batch(context: TrainingContext, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return (inputs, labels) of this process's part of the batch of samples `chosen`.

    Whatever draws from the generator here must draw for the whole batch, so that all processes draw the same.
    """
    samples, share = context.samples, context.processes.share(chosen)
    device = next(context.state.network.parameters()).device
    labels = label_tensor(samples, chosen[share], device)
    augmentations = [choice.options for choice in context.config.augmentations]
    if not augmentations:
        return input_tensor(samples, chosen[share], device), labels
    images = torch.from_numpy(samples.inputs[chosen])
    stacked = images.flatten(1, 2) if samples.is_sequence else images  # frames as channels: all change alike
    changed = augment(stacked, augmentations, context.state.generator).reshape(images.shape)
    return scaled(changed[share], samples, device), labels


def _measured(
    recording: Recording,
    losses: Mapping[str, Tensor],
    labels: Tensor,
    reading: ValueReading | None,
    processes: Processes,
) -> dict[str, float]:
    """Return one batch's loss terms, score, and per layer spike rate, mean potential and quantization error."""
    with torch.no_grad():
        measured = {f"loss/{name}": value for name, value in losses.items()}
        if reading is None:
            measured[f"train_{ACCURACY_KEY}"] = (recording.logits.argmax(1) == labels).float().mean()
        else:
            potentials, wanted = (t.double().cpu().numpy() for t in (recording.output.transpose(0, 1), labels))
            errors = value_errors(reading.values(potentials), reading.values(wanted))
            measured[f"train_{SMAPE_KEY}"] = torch.tensor(errors.smape, device=labels.device)
        for layer in recording.layers:
            measured[f"spike_rate/{layer.name}"] = layer.spike_rate
            measured[f"mean_potential/{layer.name}"] = layer.mean_potential
            measured[f"quantization_error/{layer.name}"] = layer.mean_squared_error
        values = processes.mean(torch.stack(list(measured.values())).detach())
    return dict(zip(measured, values.tolist(), strict=True))


def _require_finite(measured: Mapping[str, float], where: str) -> None:
    losses = {n.removeprefix("loss/"): value for n, value in measured.items() if n.startswith("loss/")}
    if not math.isfinite(sum(losses.values())):
        terms = ", ".join(f"{name} {value}" for name, value in losses.items())
        raise UserError(
            f"training: the loss is {sum(losses.values())} in {where} ({terms}). "
            "Lower optimizer.learning_rate and train again; the last checkpoint is kept."
        )
