"""run_start: a run at its first batch, or exactly where it was stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError
from snn_deploy.train.ann_first.relu_network import ReluNetwork
from snn_deploy.train.ann_first.relu_training import ReluTraining
from snn_deploy.train.compiled.arithmetic import EVERY_ARITHMETIC, Arithmetic
from snn_deploy.train.config.combinations import require_fitting
from snn_deploy.train.config.read_config import read_config, resolved_config
from snn_deploy.train.config.train_config import TIME_BASED, TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.splits import no_validation, training_and_validation
from snn_deploy.train.gpu import kernel_choice
from snn_deploy.train.gpu.exactness import make_exact
from snn_deploy.train.networks.network import Network
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.time_based_network import TimeBasedNetwork
from snn_deploy.train.processes.devices import Device
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import (
    Origin,
    Progress,
    TrainingState,
    read_checkpoint,
    read_origin,
    write_checkpoint,
)
from snn_deploy.train.run.epoch import TrainingContext
from snn_deploy.train.run.inheritance import Beginning
from snn_deploy.train.run.optimizer import new_optimizer
from snn_deploy.train.run.relu_folder import ReluFolder
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.same_device import DEVICE_KEY, same_device


@dataclass(frozen=True)
class StartedRun:
    """A run that can train. validation: what to choose by, where there is any; test: looked at once, at the end.

    progress, metrics: how far it is, and the lines of metrics up to there.
    """

    files: RunFolder
    origin: Origin
    network: Network
    context: TrainingContext
    validation: Samples | None
    test: Samples
    progress: Progress
    metrics: list[dict[str, Any]]

    def save(self, progress: Progress, path: Path | None = None) -> None:
        """Write the checkpoint, or one at `path`; the first of the processes does."""
        if self.context.processes.is_first:
            write_checkpoint(path or self.files.checkpoint, self.context.state, progress, self.origin)


def start_run(
    config: TrainConfig, folder: Path, resume: bool, parent: Beginning | None, processes: Processes
) -> StartedRun:
    """Return the run in `folder`, or its first stage where `config` is that of one, after writing its first files.

    With `resume` and a checkpoint it stands where it was stopped; else it begins, and what `folder` held is replaced.
    """
    is_relu = isinstance(config, ReluTraining)
    files = ReluFolder(folder) if is_relu else RunFolder(folder)
    is_resumed = resume and files.checkpoint.exists()
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    if is_resumed:
        origin = same_origin(files, config, parent)
        device = same_device(config, origin, processes, folder)
        torch.set_num_threads(origin.threads)  # with another number, sums would round differently
        if device.type != origin.device:
            origin = Origin(config.table(), origin.threads, origin.parent, *_arithmetic(config, device, processes))
    else:
        device = processes.device(config.training.device)
        digest = parent.digest if parent else None
        chosen = _arithmetic(config, device, processes)
        origin = Origin(config.table(), torch.get_num_threads(), digest, *chosen)
    _require_synapses(origin.synapses, device)
    if device.type == "cuda":
        make_exact()
    training, validation = training_and_validation(config.data.options, config.held_out.validation)
    samples = config.shown(training.first(config.training.samples))
    if validation is None and config.training.keep == "best":
        raise no_validation("training.keep = 'best'")
    _require_usable(config, samples, processes)
    generator = torch.Generator().manual_seed(config.seed)
    network = build_network(config, samples, generator)
    require_fitting(config, network.plan)
    if parent is not None and not is_resumed:
        parent.copy_into(network, config)
    state = TrainingState(network.to(device), new_optimizer(config.optimizer, network, config.delays.rate), generator)
    progress = read_checkpoint(files.checkpoint, state) if is_resumed else Progress()
    metrics = files.read_metrics(progress.epoch)
    test = config.shown(config.data.options.load("test"))
    context = TrainingContext(config, samples, state, processes.for_training(network), processes, origin.synapses)
    chosen_by = None if validation is None else config.shown(validation)
    run = StartedRun(files, origin, network, context, chosen_by, test, progress, metrics)
    if processes.is_first:
        if is_resumed:
            files.remove_leftovers()
            files.write_metrics(metrics)
        else:
            files.clear(keeps_relu=config.ann_first.epochs > 0)
            run.save(progress)  # first of all files: from here on the run can be resumed
        files.write_config(config.table())
    return run


def _require_usable(config: TrainConfig, training: Samples, processes: Processes) -> None:
    """Raise UserError where `training` cannot be used as the config says."""
    for size in {config.training.batch_size, len(training.labels) % config.training.batch_size}:
        processes.share(np.arange(size))  # a UserError now, not at the end of the first epoch
    if config.ann_first.epochs and training.is_sequence:
        raise UserError(
            f"ann_first: a ReLU network is shown an image, and the samples of data.name {config.data.name!r} are "
            "sequences. Set ann_first.epochs to 0."
        )
    if training.steps not in (None, config.steps):
        raise UserError(f"steps = {config.steps}, and data.steps = {training.steps}: set both to the same number.")
    for choice in config.augmentations:
        if training.is_sequence and not getattr(choice.options, "for_sequences", False):
            raise UserError(f"augmentations.{choice.name}: changes images, not sequences. Leave it out.")


def config_of_run(folder: Path, assignments: Sequence[str] = ()) -> TrainConfig:
    """Return the config of the run in `folder`, after `assignments`; a UserError where there is no run."""
    files = RunFolder(folder)
    if files.config.exists():
        return read_config(files.config, assignments)
    begun = next((f.checkpoint for f in (files, ReluFolder(folder)) if f.checkpoint.exists()), None)
    if begun is None:
        raise UserError(f"{folder}: no run in it. Give the folder of a run, or the config that starts one.")
    if assignments:
        raise UserError(f"{folder}: was stopped before it wrote its config; resume it without changes.")
    return resolved_config(read_origin(begun)[0].config, str(begun))


def holds_run(folder: Path) -> bool:
    """Return whether a run has begun in `folder`: with it one can go on."""
    return RunFolder(folder).checkpoint.exists() or ReluFolder(folder).checkpoint.exists()


def build_network(config: TrainConfig, samples: Samples, generator: torch.Generator) -> Network:
    """Return the untrained network of `config` for inputs like `samples`."""
    return network_of_plan(config, config.model.options.plan(samples.shape, samples.classes), generator)


def network_of_plan(config: TrainConfig, plan: NetworkPlan, generator: torch.Generator) -> Network:
    """Return the untrained network of `config` with the layers of `plan`."""
    no_norm = load_plugin("train.norms", "none").Norm()
    if config.method == TIME_BASED:
        return TimeBasedNetwork(plan, config.neuron.options, config.norm.options, no_norm, generator)
    kind = ReluNetwork if isinstance(config, ReluTraining) else SpikingNetwork
    network = kind(plan, config.neuron.options, config.norm.options, no_norm, generator)
    network.keeps_zeros = config.training.keeps_zeros
    if config.delays.kind != "none" and isinstance(network, SpikingNetwork):
        network.learn_delays(config.delays.kind, config.delays.most, generator)
    if config.feedback.share and isinstance(network, SpikingNetwork):
        network.scale_feedback(config.feedback.share, config.feedback.momentum)
    return network


def _arithmetic(config: TrainConfig, device: torch.device, processes: Processes) -> tuple[Arithmetic, Device]:
    """Return what synapses are computed in, as the config says or as is fastest here, and on what.

    In every process it is the first one's choice.
    """
    kind: Device = "cuda" if device.type == "cuda" else "cpu"
    if config.training.synapses != "auto":
        return config.training.synapses, kind
    if config.method == TIME_BASED:
        return "float32", kind
    fastest = kernel_choice.fastest_arithmetic(device) if processes.is_first else EVERY_ARITHMETIC[0]
    return EVERY_ARITHMETIC[processes.total(EVERY_ARITHMETIC.index(fastest))], kind  # the others add 0


def _require_synapses(synapses: Arithmetic, device: torch.device) -> None:
    if synapses != "float32" and not kernel_choice.narrow_synapses_work(device):
        raise UserError(
            f"training.synapses = {synapses!r}: its sums would be wrong or missing on this machine's {device.type}. "
            "Leave it out of a config, and training uses what works here; resume a run where it began."
        )


def same_origin(files: RunFolder, config: TrainConfig, parent: Beginning | None) -> Origin:
    """Return what the run was started as, unless `config` or `parent` say something else: that is a UserError."""
    origin, _ = read_origin(files.checkpoint)
    differing = differing_keys(resolved_config(origin.config, str(files.checkpoint)), config)
    differing = [line for line in differing if not line.startswith(f"{DEVICE_KEY} ")]  # same_device asks
    if differing:
        raise UserError(
            f"{files.path}: cannot be resumed with another config: {'; '.join(differing)}. "
            "Resume with --resume --out alone, or start a new run in another folder."
        )
    if parent is not None and parent.digest != origin.parent:
        raise UserError(
            f"{files.path}: cannot be resumed with --from {parent.folder}, which is not what it was started from. "
            "Leave --from out."
        )
    return origin


def differing_keys(before: TrainConfig, now: TrainConfig) -> list[str]:
    """Return "KEY was VALUE and is VALUE" for every key in which two configs differ."""
    was, is_now = _flat(before.table()), _flat(now.table())
    return [
        f"{key} was {was.get(key, 'not there')!r} and is {is_now.get(key, 'not there')!r}"
        for key in sorted(was.keys() | is_now.keys())
        if was.get(key) != is_now.get(key)
    ]


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return the leaves of nested tables: "training.epochs" -> 3."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {before + key: value}
    return flat
