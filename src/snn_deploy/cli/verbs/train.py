"""snn-deploy train: a config becomes a run folder with a trained FloatNetwork."""

import os
from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.output import Output, verb
from snn_deploy.cli.training_progress import training_progress


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
      snn-deploy train --resume --out runs/digits           go on with a run that was killed, to the same weights
      snn-deploy train --from runs/digits --steps 2         time inheritance training, with the parent's config
      torchrun --nproc-per-node 2 -m snn_deploy.cli.main train examples/digits.toml
    """
    changes = assignments if steps is None else (*assignments, f"steps={steps}")
    is_first = os.environ.get("RANK", "0") == "0"  # of several processes that torchrun started, one writes
    seen = output if is_first else output.silent()
    with training_progress(seen) as watcher:
        result = sd.train(
            config,
            out=out,
            changes=changes,
            start_from=parent,
            resume=resume,
            force=force,
            watcher=watcher,
            watch=seen,
        )
    if is_first:
        output.show(result)
