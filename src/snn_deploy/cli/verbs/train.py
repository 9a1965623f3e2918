"""snn-deploy train: a config becomes a run folder with a trained FloatNetwork."""

import os
from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import set_option
from snn_deploy.cli.output import Output, verb
from snn_deploy.cli.training_progress import training_progress


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path), required=False)
@set_option("Set a key of the config, such as training.epochs=5; may be given several times.")
@click.option("--steps", type=int, help="Number of time steps; the same as --set steps=N.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. Default: runs/CONFIG-seedN.")
@click.option("--from", "parent", type=click.Path(path_type=Path), help="Start from the trained network of this run.")
@click.option("--ann-first", is_flag=True, help="Train the equal ReLU network first, and start from it.")
@click.option("--resume", is_flag=True, help="Continue a run that was stopped; CONFIG may be left out.")
@click.option("--force", is_flag=True, help="Overwrite an existing run.")
@verb
def command(
    output: Output,
    config: Path | None,
    assignments: tuple[str, ...],
    steps: int | None,
    out: Path | None,
    parent: Path | None,
    ann_first: bool,
    resume: bool,
    force: bool,
) -> None:
    """Train a bias-free spiking network from CONFIG, a TOML file.

    \b
    Examples:
      snn-deploy init digits.toml --data digits             write a config first
      snn-deploy train digits.toml --set seed=1 --set training.epochs=10 --out runs/digits
      snn-deploy train --resume --out runs/digits           continue a run that was killed; the weights end the same
      snn-deploy train --from runs/digits --steps 2         time inheritance training, with the parent's config
      snn-deploy train --ann-first digits.toml --steps 6 --set ann_first.epochs=5
      torchrun --nproc-per-node 2 -m snn_deploy train digits.toml
    """
    changes = assignments if steps is None else (*assignments, f"steps={steps}")
    from snn_deploy.train.config.read_config import require_settings  # noqa: PLC0415 - slow to import

    if config is not None:
        require_settings(config, changes)  # a mistyped key is told at once, not when torch is loaded
    is_first = os.environ.get("RANK", "0") == "0"  # of several processes that torchrun started, one writes
    seen = output if is_first else output.silent()
    with training_progress(seen) as watcher:
        result = sd.train(
            config,
            out=out,
            changes=changes,
            start_from=parent,
            ann_first=ann_first,
            resume=resume,
            force=force,
            watcher=watcher,
            watch=seen,
        )
    if is_first:
        output.show(result)
