"""snn-deploy plot: pictures of a run."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.output import Output, verb


@click.command("plot")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures; default RUN/plots.")
@verb
def command(output: Output, run: Path, out: Path | None) -> None:
    """Draw RUN (a run folder, finished or not) as PNG files.

    training.png: accuracy and loss terms. spike_rates.png: every layer's rate over the epochs. membranes.png: its
    potentials against the threshold. surrogate.png: the gradient that training assumes.

    Example: snn-deploy plot runs/digits-seed0
    """
    output.show(sd.plot(run, out))
