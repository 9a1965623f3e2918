"""snn-deploy plot: pictures of a run."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.output import Output, verb


@click.command("plot")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures; default: RUN/plots.")
@click.option(
    "--beside", multiple=True, type=click.Path(path_type=Path), metavar="RUN", help="Draw this run beside the first."
)
@verb
def command(output: Output, run: Path, out: Path | None, beside: tuple[Path, ...]) -> None:
    """Draw RUN (a run folder, finished or not) as PNG files.

    training.png: accuracy and loss terms. spike_rates.png: the rate of every layer over the epochs. membranes.png:
    membrane potentials against the threshold. surrogate.png: the surrogate gradient.

    --beside OTHER_RUN, once or several times, draws runs with the same layers in one picture each instead:
    rates_beside.png, the rate of every layer after the first and the last epoch, and membranes_beside.png, the
    potentials of every layer with their quantization error q(u), and prints both.

    \b
    Examples:
      snn-deploy plot runs/digits-seed0
      snn-deploy plot runs/plain --beside runs/with-im-loss --out pictures
    """
    output.show(sd.plot(run, out, beside=beside))
