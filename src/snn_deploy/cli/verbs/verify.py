"""snn-deploy verify: the same inputs on several backends, every spike compared."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import data_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backends",
    help="Compared with the first one; default: reference,cpu,lava, and netx and onnx where NETWORK has their files.",
)
@click.option("--inputs", default="data", show_default=True, help="What is shown: any of data,random,nasty.")
@data_option
@click.option("--samples", default=20, show_default=True, help="How many test samples; 0 is all.")
@click.option("--layers", type=click.IntRange(min=1), help="Cut the network to so many first layers.")
@click.option("--per-layer", is_flag=True, help="Feed every layer with the first backend's spikes.")
@click.option("--seed", default=0, show_default=True, help="Of the random inputs.")
@verb
def command(
    output: Output,
    network: Path,
    backends: str | None,
    inputs: str,
    data: str | None,
    samples: int,
    layers: int | None,
    per_layer: bool,
    seed: int,
) -> int:
    """Run the same samples on every backend and compare every spike of every layer and every output.

    Nasty inputs are made for the network: the extremes of its input's range, single pixels, frames that alternate,
    potentials that are exactly at a threshold, one below and one above it, and more steps than it was exported with.
    The backends netx and onnx run the files network.net and network.onnx beside NETWORK, as they were exported; where
    there is no network.onnx, or it cannot take the inputs, onnx makes its own; with --layers or --per-layer both do.
    With --per-layer every layer runs by itself, fed with what its sources sent on the first backend, so that a
    difference stays in its layer. Exit code 1 when a spike or an output differs.
    Example: snn-deploy verify runs/digits-seed0/loihi --samples 50 --inputs data,random,nasty
    """
    result = sd.verify(
        network,
        data,
        backends.split(",") if backends else None,
        samples=samples,
        kinds=inputs.split(","),
        layers=layers,
        per_layer=per_layer,
        seed=seed,
        watch=output,
    )
    output.show(result)
    return 0 if result.is_identical else FAILED_CHECK
