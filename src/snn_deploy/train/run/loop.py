"""loop: trains one network from a config and leaves a run folder (run_folder.py says what is in it)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn_deploy.network.float_network import FloatNetwork, write_float_network
from snn_deploy.network.value_reading import KEY as VALUES_KEY
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.counted import counted
from snn_deploy.support.one_writer import one_writer
from snn_deploy.support.user_error import UserError
from snn_deploy.train.ann_first.relu_training import relu_training
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.networks.plan_line import plan_line
from snn_deploy.train.networks.to_float_network import to_float_network
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import Progress, read_network_state, require_finite
from snn_deploy.train.run.converted_start import ConvertedStart, converted_start
from snn_deploy.train.run.epoch import epoch_metrics, means_so_far, train_epoch
from snn_deploy.train.run.evaluation import scores
from snn_deploy.train.run.inheritance import Beginning
from snn_deploy.train.run.layer_statistics import measured_layers, silent_layers
from snn_deploy.train.run.metrics_lines import AT_THE_END, kept_line
from snn_deploy.train.run.norm_statistics import has_unmeasured_norms, measure_norms
from snn_deploy.train.run.relu_folder import ReluFolder
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import StartedRun, same_origin, start_run
from snn_deploy.train.run.score import score_of
from snn_deploy.train.run.tensorboard_log import Log, no_log, require_tensorboard, tensorboard_log


@dataclass(frozen=True)
class Watcher:
    """What the caller wants to see.

    started: called once with the number of epochs.
    batch: called after every batch with the epoch, the batch, how many an epoch has, and the epoch's means so far.
    epoch: called after every epoch with its line of metrics.
    noted: called with a line for people where the network may not be the one that was meant.
    """

    started: Callable[[int], None] = lambda epochs: None
    batch: Callable[[int, int, int, Mapping[str, float]], None] = lambda epoch, batch, batches, means: None
    epoch: Callable[[Mapping[str, Any]], None] = lambda metrics: None
    noted: Callable[[str], None] = lambda line: None


def train(
    config: TrainConfig,
    folder: Path,
    watcher: Watcher | None = None,
    *,
    resume: bool = False,
    parent: Beginning | None = None,
    processes: Processes | None = None,
) -> FloatNetwork:
    """Return the network trained as `config` says, after writing the run folder.

    The same config gives the same weights, bit for bit, on the same machine with the same number of threads; so does
    a run that was killed at any moment and goes on with `resume`. Without it, what `folder` holds is replaced.
    parent: the run whose network this one starts from. A loss that is not finite or a full disk is a UserError; the
    last checkpoint stays. So is a folder that another process writes to.
    """
    processes = processes or Processes()
    with one_writer(folder) if processes.is_first else nullcontext():
        return _train(config, folder, watcher or Watcher(), resume, parent, processes)


def _train(
    config: TrainConfig, folder: Path, watcher: Watcher, resume: bool, parent: Beginning | None, processes: Processes
) -> FloatNetwork:
    if config.training.tensorboard:
        require_tensorboard()
    # Asked once, before anything is written: another of several processes may write the file meanwhile.
    is_begun = resume and RunFolder(folder).checkpoint.exists()
    if config.ann_first.epochs and not is_begun:
        if parent is not None:
            raise UserError(
                f"ann_first.epochs {config.ann_first.epochs} with --from {parent.folder}: a network starts from "
                "one other. Leave --from out, or set ann_first.epochs to 0."
            )
        parent = _relu_network(config, folder, watcher, resume, processes)
    elif resume and not is_begun and ReluFolder(folder).checkpoint.exists():
        same_origin(ReluFolder(folder), config, parent)  # a UserError: that run has a first stage
    run = start_run(config, folder, is_begun, parent, processes)
    if not isinstance(parent, ConvertedStart):  # else it was told before the ReLU network, which has the same layers
        _note_network(run, watcher)
    if run.test.note:
        watcher.noted(f"test data: {run.test.note}.")
    log = _log(run)
    network, tested = _finished(run, _trained(run, watcher, log), watcher)
    log({"epoch": config.training.epochs, **tested})
    return network


def _note_network(run: StartedRun, watcher: Watcher) -> None:
    """Tell the watcher what the config has become, and what of it may not be what was meant."""
    model = run.context.config.model.options
    watcher.noted(plan_line(run.network.plan))
    if hasattr(model, "note") and (note := model.note(run.test.classes)):
        watcher.noted(note)


def _relu_network(
    config: TrainConfig, folder: Path, watcher: Watcher, resume: bool, processes: Processes
) -> ConvertedStart:
    """Return the ReLU network that the run starts from, trained, or trained on from where it was stopped."""
    stage = start_run(relu_training(config), folder, resume, None, processes)
    _note_network(stage, watcher)
    watcher.noted(f"ANN first: the equal ReLU network, {counted(config.ann_first.epochs, 'epoch')}")
    _trained(stage, watcher, _log(stage))
    start = converted_start(stage, config)
    watcher.noted(f"ANN first: the spiking network starts from it, {counted(config.training.epochs, 'epoch')}")
    return start


def _log(run: StartedRun) -> Log:
    """Return what writes metrics for TensorBoard, where this process is to."""
    context = run.context
    is_wanted = context.config.training.tensorboard and context.processes.is_first
    return tensorboard_log(run.files.tensorboard) if is_wanted else no_log


def _trained(run: StartedRun, watcher: Watcher, log: Log) -> Progress:
    """Train the epochs that are left; return the progress after the last."""
    context, progress = run.context, run.progress
    config, writes = context.config, context.processes.is_first
    watcher.started(config.training.epochs)
    for line in run.metrics:
        log({name: value for name, value in line.items() if name not in AT_THE_END})
    every = config.training.checkpoint_every
    if _infers_first(config) and has_unmeasured_norms(run.network):
        measure_norms(context)
    while progress.epoch < config.training.epochs:
        for here in train_epoch(context, progress):
            watcher.batch(here.epoch + 1, here.batch, context.batches, means_so_far(context, here))
            if every and here.batch % every == 0 and here.batch < context.batches:
                run.save(here)
        require_finite(run.network, here)
        line = epoch_metrics(context, here) | _evaluated(run, progress.epoch + 1)
        run.metrics.append(line)
        if writes:
            run.files.write_metrics(run.metrics)
        progress = Progress(progress.epoch + 1, sharpness=here.sharpness)
        if config.training.keep == "best" and best_epoch(config, run.metrics) == progress.epoch:
            run.save(progress, run.files.best_checkpoint)
        run.save(progress)
        log(line)
        watcher.epoch(line)
    return progress


def _finished(run: StartedRun, progress: Progress, watcher: Watcher) -> tuple[FloatNetwork, dict[str, float]]:
    """Return the network that is kept and its metrics on the test samples, after writing both."""
    config, context = run.context.config, run.context
    kept = config.training.epochs
    if kept == 0:
        run.metrics[:] = [{"epoch": 0, "epochs": 0, **_evaluated(run, 0)}]
    elif config.training.keep == "best":
        kept = best_epoch(config, run.metrics)
        if kept < config.training.epochs:  # else it is the network as it is; another process may be writing its file
            read_network_state(run.files.best_checkpoint, run.network)
            run.save(progress)  # what starts from this run starts from the network that is kept
    limits = config.quantization.limits(kept, config.training.epochs)
    tested = _scores(run, run.test, "test", limits)
    if limits is not None:
        tested |= _scores(run, run.test, "float_test", None)
    tested["kept_epoch"] = kept
    run.metrics[-1] |= tested
    line = kept_line(run.metrics)
    network = _float_network(run, line)
    for layer in silent_layers(line):
        seen = "training" if run.validation is None else "validation"
        watcher.noted(
            f"warning: layer {layer} never fired on the {seen} samples that were measured: nothing passes through it. "
            "Train longer, or with [losses.im_loss], which keeps potentials near the threshold."
        )
    if context.processes.is_first:
        run.files.write_metrics(run.metrics)
        write_float_network(network, run.files.float_network)
    return network, tested


def best_epoch(config: TrainConfig, metrics: Sequence[Mapping[str, Any]]) -> int:
    """Return the epoch, from 1, with the best score on validation samples, the last of several.

    Where training rounds weights in its last epochs, one of these: only they trained what is exported.
    """
    quantized, epochs = config.quantization.epochs, config.training.epochs
    chosen = [line for line in metrics if line["epoch"] > (epochs - quantized if quantized else 0)]
    score = score_of(metrics[-1])
    best = max(chosen or metrics, key=lambda line: (score.rank(line, "validation"), line["epoch"]))
    return int(best["epoch"])


def _scores(run: StartedRun, samples: Samples, split: str, limits: Limits | None) -> dict[str, float]:
    """Return the scores on `samples` under the names that a line of metrics has for them."""
    found = scores(run.network, samples, run.context.config.steps, run.context.processes, limits)
    return {f"{split}_{key}": value for key, value in found.items()}


def _evaluated(run: StartedRun, epoch: int) -> dict[str, Any]:
    """Return the scores on validation samples (in floats too, where training rounds), and what layers do on some.

    epoch: the last one, 0 of a network that was only converted: it keeps the moments that it has. Without validation
    samples the layers are measured on training samples.
    """
    config, validation = run.context.config, run.validation
    limits = config.quantization.limits(epoch, config.training.epochs)
    if limits is None and epoch > 0:  # a quantized pass trains with the running moments, which fit it
        measure_norms(run.context)
    found: dict[str, Any] = {}
    if validation is not None:
        found |= _scores(run, validation, "validation", limits)
        if limits is not None:
            found |= _scores(run, validation, "float_validation", None)
    if config.training.measured_samples == 0:
        return found
    samples = run.context.samples if validation is None else validation
    return found | measured_layers(run.network, samples.first(config.training.measured_samples), config.steps)


def _float_network(run: StartedRun, kept: Mapping[str, Any]) -> FloatNetwork:
    """Return the trained network. kept: the metrics of its epoch, with the scores on the test samples."""
    config, score = run.context.config, score_of(kept)
    in_floats, tested = score.of(kept, "float_test"), score.of(kept, "test")
    provenance: dict[str, Any] = {
        "config": config.table(),
        f"float_{score.key}": tested if in_floats is None else in_floats,
        f"quantized_{score.key}": None if in_floats is None else tested,
        "test_samples": len(run.test.labels),
    }
    if run.validation is not None:
        provenance |= {
            f"validation_{score.key}": score.of(kept, "validation"),
            "validation_samples": len(run.validation.labels),
        }
    if run.test.reading is not None:
        provenance[VALUES_KEY] = run.test.reading.to_dict()
    if run.origin.parent is not None:
        provenance["parent_checkpoint_sha256"] = run.origin.parent
    return to_float_network(run.network.to("cpu"), run.context.samples, config.steps, provenance)


def _infers_first(config: TrainConfig) -> bool:
    """Return whether the first epoch uses the norms' running moments: to round weights, or to probe gradients."""
    return config.quantization.limits(1, config.training.epochs) is not None or hasattr(
        config.surrogate.options, "adapted"
    )
