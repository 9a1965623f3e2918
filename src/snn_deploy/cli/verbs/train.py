"""snn-deploy train: a config becomes a run folder with a trained FloatNetwork."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snn_deploy.cli.output import Output, percent, verb
from snn_deploy.cli.training_progress import training_progress
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    from snn_deploy.train.config.train_config import TrainConfig
    from snn_deploy.train.processes.processes import Processes
    from snn_deploy.train.run.inheritance import Parent


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path), required=False)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change one key, such as training.epochs=5."
)
@click.option("--steps", type=int, help="Change the number of time steps; the same as --set steps=N.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/CONFIG-seedN.")
@click.option("--from", "parent", type=click.Path(path_type=Path), help="Start from the trained network of this run.")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped; CONFIG may be left out.")
@click.option("--force", is_flag=True, help="Write over a run that is already there.")
@verb
def command(
    output: Output,
    config: Path | None,
    assignments: tuple[str, ...],
    steps: int | None,
    out: Path | None,
    parent: Path | None,
    resume: bool,
    force: bool,
) -> None:
    """Train a bias-free spiking network as CONFIG (a TOML file) says.

    \b
    Examples:
      snn-deploy train examples/digits.toml --set seed=1 --set training.epochs=10 --out runs/digits
      snn-deploy train --resume --out runs/digits           a run that was killed ends as if it never had been
      snn-deploy train --from runs/digits --steps 2         time inheritance training, with the parent's config
      torchrun --nproc-per-node 2 -m snn_deploy.cli.main train examples/digits.toml
    """
    from snn_deploy.train.run.inheritance import read_parent  # noqa: PLC0415 - torch is slow to import

    if resume and force:
        raise UserError("--resume goes on with a run and --force replaces it; choose one.")
    if steps is not None:
        assignments = (*assignments, f"steps={steps}")
    inherited = read_parent(parent) if parent else None
    settings = _settings(config, assignments, out if resume else None, inherited)
    folder = out or Path("runs") / _default_name(config, parent, settings)
    if not force and not resume:
        _require_empty(folder)
    processes = _processes()
    if not processes.is_first:
        output = _Silent(output.as_json)
    result = train_with_output(output, settings, folder, resume=resume, parent=inherited, processes=processes)
    output.result(result)


def train_with_output(
    output: Output,
    settings: "TrainConfig",
    folder: Path,
    *,
    resume: bool = False,
    parent: "Parent | None" = None,
    processes: "Processes | None" = None,
) -> dict[str, Any]:
    """Train as `settings` say, with a progress bar and a line per epoch; return what --json prints."""
    from snn_deploy.train.run.loop import train  # noqa: PLC0415
    from snn_deploy.train.run.run_folder import RunFolder  # noqa: PLC0415

    files = RunFolder(folder)
    if resume and not files.checkpoint.exists():
        output.say(f"{folder}: no checkpoint to go on from; the run begins.")
    is_first = processes is None or processes.is_first
    with training_progress(output, settings.training.epochs) if is_first else nullcontext() as watcher:
        network = train(settings, folder, watcher, resume=resume, parent=parent, processes=processes)
    last = files.read_metrics()[-1]
    output.say(f"wrote {files.float_network}  (test accuracy {percent(last['test_accuracy'])})")
    return {"run": str(folder), "float_network": str(files.float_network), "steps": network.steps, "metrics": last}


def _settings(
    config: Path | None, assignments: tuple[str, ...], resumed: Path | None, parent: "Parent | None"
) -> "TrainConfig":
    """Return the config that CONFIG, the run to resume or the parent gives, in this order."""
    from snn_deploy.train.config.read_config import read_config  # noqa: PLC0415
    from snn_deploy.train.run.run_folder import RunFolder  # noqa: PLC0415
    from snn_deploy.train.run.run_start import config_of_run  # noqa: PLC0415

    if config is not None:
        return read_config(config, assignments)
    if resumed is not None:
        return config_of_run(resumed, assignments)
    if parent is not None:
        return read_config(RunFolder(parent.folder).config, assignments)
    raise UserError("train: no CONFIG. Give the path of a TOML file; or --resume --out RUN; or --from RUN.")


def _default_name(config: Path | None, parent: Path | None, settings: "TrainConfig") -> str:
    if config is not None:
        return f"{config.stem}-seed{settings.seed}"
    if parent is not None:
        return f"{parent.resolve().name}-steps{settings.steps}"
    raise UserError("train --resume: which run? Give its folder with --out.")


def _require_empty(folder: Path) -> None:
    """Raise a UserError where `folder` holds a run that would be lost."""
    from snn_deploy.train.run.run_folder import RunFolder  # noqa: PLC0415

    files = RunFolder(folder)
    if files.float_network.exists():
        raise UserError(
            f"{folder}: holds a finished run. Choose another folder with --out, or write over it with --force."
        )
    if files.checkpoint.exists():
        raise UserError(
            f"{folder}: holds a run that was stopped. Go on with it with --resume, choose another folder with --out, "
            "or write over it with --force."
        )


def _processes() -> "Processes":
    """Return how many processes train together: torchrun tells them in WORLD_SIZE."""
    from snn_deploy.train.processes.processes import Processes  # noqa: PLC0415

    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes()
    from snn_deploy.train.processes.distributed import SeveralProcesses  # noqa: PLC0415 - needs the package accelerate

    return SeveralProcesses()


class _Silent(Output):
    """The output of the processes that do not write: errors alone."""

    def say(self, line: str = "") -> None:
        pass

    def result(self, value: dict[str, Any]) -> None:
        pass
