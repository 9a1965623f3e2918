"""snn-deploy energy: an estimate of the energy per sample, from spikes measured on the data set."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.completion import profiles
from snn_deploy.cli.options import data_option, exits_option
from snn_deploy.cli.output import Output, verb

_PROFILE = "cmos45"


@click.command("energy")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    shell_complete=profiles(),
    default=_PROFILE,
    show_default=True,
    help="Hardware profile: a name, or a TOML file.",
)
@data_option
@click.option("--samples", default=0, show_default=True, help="Test samples to measure on; 0: all.")
@click.option(
    "--placement",
    type=click.Path(path_type=Path),
    help="The placement that snn-deploy map --out wrote, for the profile of a chip.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Duration of a sample's input; also prints the energy of a second.",
)
@exits_option
@click.option("--details", is_flag=True, help="Also print each term with its count, unit cost and source.")
@click.option(
    "--neurobench",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write NeuroBench's metrics to this .json file instead: footprint, sparsity, MACs and ACs, membrane updates.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every model's estimate side by side to this .tex or .csv file instead, and its citations to a .bib.",
)
@verb
def command(
    output: Output,
    network: Path,
    profile: str,
    data: str | None,
    samples: int,
    placement: Path | None,
    seconds: float | None,
    exits: Path | None,
    details: bool,
    neurobench: Path | None,
    table: Path | None,
) -> None:
    """Estimate the energy of one sample of NETWORK from spikes measured on the data set.

    The profile cmos45 gives the energy of arithmetic: as the spiking-network papers count it, in 8-bit integers, and
    with memory access, each beside the equivalent ANN. The profile of a chip, such as loihi2, gives the energy of the
    events on its cores and links, and the time of a sample. Every term is a count times a unit cost with its source.
    With --exits, energy and time up to the exits stand beside those of all steps: mean, median and 99th percentile.

    The first line is the answer; --details prints every term.

    Example: snn-deploy energy runs/digits-seed0/loihi --profile loihi2
    """
    others = {"profile": profile, "placement": placement, "seconds": seconds, "exits": exits, "details": details}
    if neurobench is not None:
        _refuse_with("--neurobench", **others, table=table)
        output.show(sd.neurobench(network, data, samples=samples, watch=output).save(neurobench))
        return
    if table is not None:
        _refuse_with("--table", **others)
        output.show(sd.energy_models(network, data, samples=samples, watch=output).save(table))
        return
    found = sd.energy(
        network,
        data,
        profile=profile,
        samples=samples,
        placement=placement,
        seconds=seconds,
        exits=exits,
        watch=output,
    )
    output.show(found.detailed() if details else found)


def _refuse_with(option: str, **others: object) -> None:
    """Raise UserError for an option that says something about another question than `option` asks."""
    for name, value in others.items():
        if value not in (None, False, _PROFILE):
            raise sd.UserError(f"{option} goes without --{name}: it answers another question. Call energy twice.")
