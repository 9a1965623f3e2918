"""snn-deploy map: which cores and chips a network needs, why, and the placement as a file and a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

import snn_deploy as sd
from snn_deploy.cli.completion import profiles
from snn_deploy.cli.options import data_option, exits_option, storage_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.support.picture_file import require_picture
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    from snn_deploy.api.place import Objective
    from snn_deploy.deploy.mapping.cores.placement import Storage


@click.command("map")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    shell_complete=profiles(),
    help="A chip: a profile's name, or a TOML file. Default: the one of the export.",
)
@click.option("--chips", type=click.IntRange(min=1), help="Number of chips available. Default: as many as needed.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Test samples to measure spikes on. Default: assume that every neuron fires once.",
)
@data_option
@click.option(
    "--for",
    "objective",
    type=click.Choice(["cores", "latency"]),
    default="cores",
    show_default=True,
    help="Few cores, or a busiest core that does little in a step, on the chips that few cores need or --chips allows.",
)
@storage_option
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the search for a placement with few spike hops.",
)
@exits_option
@click.option("--out", type=click.Path(path_type=Path), help="Write the placement to this file.")
@click.option(
    "--loads",
    type=click.Path(path_type=Path),
    help="Write what each neuron's spikes cost the cores to this file, for the loss busiest_core; with --samples.",
)
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the chips to this .png or .svg.")
@verb
def command(
    output: Output,
    network: Path,
    profile: str | None,
    chips: int | None,
    samples: int | None,
    data: str | None,
    objective: "Objective",
    storage: "Storage",
    seed: int,
    exits: Path | None,
    out: Path | None,
    loads: Path | None,
    picture: Path | None,
) -> int:
    """Place the neurons of NETWORK on the cores of a chip, within the limits of its profile.

    Exit code 1 when the network does not fit: then every violation is printed, and changes that would make it fit.

    Example: snn-deploy map runs/a/loihi --samples 20 --out placement.json --picture map.png
    """
    if picture is not None:
        require_picture(picture)
    if loads is not None and samples is None:
        raise UserError("--loads: what the input costs is measured on samples. Give --samples N as well.")
    inputs = data if samples is not None else None
    result = sd.place(
        network,
        chip=profile,
        chips=chips,
        inputs=inputs,
        samples=samples,
        storage=storage,
        objective=objective,
        seed=seed,
        exits=exits,
        watch=output,
    )
    output.show_blocks(result)
    if result.fits and out is not None:
        output.line(f"placement: {result.save(out)}")
    if result.fits and loads is not None:
        output.line(f"loads: {result.save_loads(loads, inputs, samples=samples or 0, watch=output)}")
    if result.fits and picture is not None:
        output.line(f"picture: {result.draw(picture)}")
    output.result(result.to_dict())
    return 0 if result.fits else FAILED_CHECK
