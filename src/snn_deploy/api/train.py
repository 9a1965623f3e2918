"""train: a config becomes a trained bias-free spiking network and the folder of its run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.support.one_writer import require_no_writer
from snn_deploy.support.result import Block, Result
from snn_deploy.support.stopped import kept_when_stopped
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch
from snn_deploy.train.ann_first.conversion import Conversion, read_conversion
from snn_deploy.train.compiled.arithmetic import IN_WORDS
from snn_deploy.train.config.read_config import changed_config, read_config
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.processes.processes import Processes
from snn_deploy.train.run.checkpoint import read_origin
from snn_deploy.train.run.inheritance import Parent, read_parent
from snn_deploy.train.run.loop import Watcher
from snn_deploy.train.run.loop import train as trained
from snn_deploy.train.run.metrics_lines import kept_line
from snn_deploy.train.run.relu_folder import ReluFolder
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import config_of_run, holds_run
from snn_deploy.train.run.score import ACCURACY, MSE_KEY, SMAPE, Score, score_of


@dataclass(frozen=True, repr=False)
class TrainResult(Result):
    """A finished run. folder: its files (config.toml, metrics.jsonl, float_network.npz, checkpoints)."""

    folder: Path

    @property
    def network(self) -> FloatNetwork:
        """The trained network in floats."""
        return read_float_network(RunFolder(self.folder).float_network)

    @property
    def metrics(self) -> list[dict[str, object]]:
        """The metrics of every epoch, the last one last."""
        return list(RunFolder(self.folder).read_metrics())

    @property
    def accuracy(self) -> float | None:
        """The share of test samples that are right, looked at once, at the end; None where the network gives values."""
        return ACCURACY.of(RunFolder(self.folder).read_metrics()[-1], "test")

    @property
    def smape(self) -> float | None:
        """Of the values for the test samples, 0..200, looked at once, at the end; None where it gives classes."""
        return SMAPE.of(RunFolder(self.folder).read_metrics()[-1], "test")

    @property
    def mse(self) -> float | None:
        """The mean squared error of these values, in the square of the signal's unit; None where it gives classes."""
        found = RunFolder(self.folder).read_metrics()[-1].get(f"test_{MSE_KEY}")
        return None if found is None else float(found)

    @property
    def validation_accuracy(self) -> float | None:
        """The share of validation samples that are right after the epoch that is kept; None where none are held out."""
        return ACCURACY.of(kept_line(RunFolder(self.folder).read_metrics()), "validation")

    @property
    def conversion(self) -> Conversion | None:
        """The spiking network before its first batch, against the ReLU network; None where none was trained first."""
        file = ReluFolder(self.folder).conversion
        return read_conversion(file) if file.exists() else None

    @property
    def trained_in(self) -> str:
        """What computed the synapses of spikes, which training.synapses and training.device may have left open."""
        origin, _ = read_origin(RunFolder(self.folder).checkpoint)
        return f"{IN_WORDS[origin.synapses]}, on {origin.device}"

    def headline(self) -> str:
        """Return the folder and the score on test samples."""
        score, tested = self._score("test")
        return f"{self.folder}, test {f'{score.name} ' if score.unit else ''}{tested}"

    def _score(self, split: str) -> tuple[Score, str | None]:
        """Return the score of the run, and what it is on `split`, in words; None where it was not measured."""
        line = kept_line(RunFolder(self.folder).read_metrics())
        score = score_of(line)
        found = score.of(line, split)
        return score, None if found is None else score.shown(found)

    def blocks(self) -> tuple[Block, ...]:
        """Return the network's file, which epoch it is of, and its score; before it what a conversion left."""
        kept, of = self.metrics[-1]["kept_epoch"], self.metrics[-1]["epoch"]
        epoch = "" if kept == of else f", of epoch {kept}"
        (score, chosen), (_, found) = self._score("validation"), self._score("test")
        mse = "" if self.mse is None else f" (MSE {self.mse:.3g})"
        tested = f"{'' if chosen is None else f'validation {chosen}, '}test {found}{mse}, looked at once"
        converted = () if self.conversion is None else self.conversion.blocks()
        return (
            *converted,
            f"wrote {RunFolder(self.folder).float_network}{epoch}  ({f'{score.name}: ' if score.unit else ''}{tested})",
            f"synapses of spikes were trained in {self.trained_in} (training.synapses, training.device)",
        )

    def to_dict(self) -> dict[str, object]:
        """Return folder, file, steps, arithmetic, the metrics of the last epoch, and any conversion."""
        metrics, conversion = self.metrics[-1], self.conversion
        file = RunFolder(self.folder).float_network
        return {
            "run": str(self.folder),
            "float_network": str(file),
            "steps": self.network.steps,
            "trained_in": self.trained_in,
            "metrics": metrics,
            "conversion": None if conversion is None else conversion.to_dict(),
        }


def train(
    config: str | Path | Mapping[str, object] | None = None,
    *,
    out: str | Path | None = None,
    changes: Sequence[str] = (),
    start_from: str | Path | None = None,
    ann_first: bool = False,
    resume: bool = False,
    force: bool = False,
    watcher: Watcher | None = None,
    watch: Watch = SILENT,
) -> TrainResult:
    """Return the run that trains a network as `config` says.

    Parameters
    ----------
    config
        The path of a TOML file, or its tables as a dictionary. With `resume` or `start_from` it may be left out.
    out
        The folder of the run; None is runs/CONFIG-seedN.
    changes
        Assignments such as "training.epochs=5", made after reading the config.
    start_from
        A finished run whose trained network this one starts from (time inheritance training, Dspike Sec. 4.4).
    ann_first
        Train the equal ReLU network before, for ann_first.epochs epochs or, where that is 0, for training.epochs, and
        start from it (Dspike Sec. 5.2). With training.epochs = 0 the result is that network, converted.
    resume
        Go on with a run that was stopped; it ends with the weights that it would have had.
    force
        Write over a run that is already there.
    watcher
        Called after every batch and every epoch.
    watch
        Hears of what is unusual.

    Raises
    ------
    UserError
        For a config that makes no sense, a folder with another run or that another process writes to, a loss that is
        not finite, a full disk.
    Stopped
        A KeyboardInterrupt, once there is something to resume; its text says how.
    """
    if resume and force:
        raise UserError("--resume goes on with a run and --force replaces it; choose one.")
    parent = None if start_from is None else read_parent(Path(start_from))
    settings = _settings(config, changes, Path(out) if resume and out is not None else None, parent)
    if ann_first and settings.ann_first.epochs == 0:
        settings = changed_config(
            settings.table(), [f"ann_first.epochs={settings.training.epochs}"], "config, with --ann-first"
        )
    folder = Path(out) if out is not None else Path("runs") / _default_name(config, parent, settings)
    files = RunFolder(folder)
    processes = several_processes()
    processes.agree(lambda: _require_free(files, may_hold_run=force or resume))
    if resume and not holds_run(folder):
        watch.say(f"{folder}: no checkpoint to go on from; the run begins.")
    seen = replace(watcher or Watcher(), noted=watch.say)
    go_on = f"{folder} holds the run up to its last checkpoint. Go on with\n  snn-deploy train --resume --out {folder}"
    with kept_when_stopped(lambda: go_on if holds_run(folder) else None):
        trained(settings, folder, seen, resume=resume, parent=parent, processes=processes)
    return TrainResult(folder)


def several_processes() -> Processes:
    """Return how many processes train together: torchrun tells them in WORLD_SIZE."""
    count = os.environ.get("WORLD_SIZE", "1")
    if not (count.isascii() and count.isdigit() and len(count) < 10 and int(count)):
        raise UserError(f"WORLD_SIZE={count!r}; allowed is the number of processes, which torchrun sets. Unset it.")
    if int(count) == 1:
        return Processes()
    from snn_deploy.train.processes.distributed import SeveralProcesses  # noqa: PLC0415 - needs the package accelerate

    return SeveralProcesses()


def _settings(
    config: str | Path | Mapping[str, object] | None,
    changes: Sequence[str],
    resumed: Path | None,
    parent: Parent | None,
) -> TrainConfig:
    """Return the config that `config`, the run to resume or the parent gives, in this order."""
    if isinstance(config, Mapping):
        return changed_config(config, changes, "config")
    if config is not None:
        return read_config(Path(config), changes)
    if resumed is not None:
        return config_of_run(resumed, changes)
    if parent is not None:
        # It starts from the parent, whatever that started from.
        return read_config(RunFolder(parent.folder).config, ("ann_first.epochs=0", *changes))
    raise UserError("train: no CONFIG. Give the path of a TOML file; or --resume --out RUN; or --from RUN.")


def _default_name(
    config: str | Path | Mapping[str, object] | None, parent: Parent | None, settings: TrainConfig
) -> str:
    if isinstance(config, str | Path):
        return f"{Path(config).stem}-seed{settings.seed}"
    if config is not None:
        return f"{settings.data.name}-seed{settings.seed}"
    if parent is not None:
        return f"{parent.folder.resolve().name}-steps{settings.steps}"
    raise UserError("train --resume: which run? Give its folder with --out.")


def _require_free(files: RunFolder, *, may_hold_run: bool) -> None:
    """Raise a UserError where another process writes to the folder, or where it holds a run that would be lost."""
    require_no_writer(files.path)
    if may_hold_run:
        return
    if files.float_network.exists():
        raise UserError(
            f"{files.path}: holds a finished run. Choose another folder with --out, or write over it with --force."
        )
    if holds_run(files.path):
        raise UserError(
            f"{files.path}: holds a run that was stopped. Go on with it with --resume, choose another folder with "
            "--out, or write over it with --force."
        )
