"""snn-deploy energy: an estimate of the energy per sample, from spikes measured on the data set."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import data_option
from snn_deploy.cli.output import Output, verb


@click.command("energy")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--profile", default="cmos45", show_default=True, help="Hardware profile: a name, or a TOML file.")
@data_option
@click.option("--samples", default=0, show_default=True, help="How many test samples to measure on; 0 is all.")
@click.option("--placement", type=click.Path(path_type=Path), help="Of a chip's cores: a file that map --out wrote.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="How long the input of a sample lasts.")
@verb
def command(
    output: Output,
    network: Path,
    profile: str,
    data: str | None,
    samples: int,
    placement: Path | None,
    seconds: float | None,
) -> None:
    """Estimate the energy of one sample of NETWORK from spikes measured on the data set.

    With cmos45: arithmetic as the papers count it, in integers, and with memory, beside the equal ANN. With a chip,
    such as loihi1: events on its cores and links, and the time of a sample. Every term is a count times a unit cost
    with its source. --seconds 0.3 prints the energy of a second of input as well.
    Example: snn-deploy energy runs/digits-seed0/loihi --profile loihi1
    """
    output.show(
        sd.energy(network, data, profile=profile, samples=samples, placement=placement, seconds=seconds, watch=output)
    )
