"""snn-deploy verify: the same inputs on several backends, every spike compared."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.completion import plug_ins
from snn_deploy.cli.options import data_option, exits_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backends",
    shell_complete=plug_ins("deploy.backends", is_list=True),
    help="Backends; the first is what the others are compared with. Default: reference,cpu,lava, and netx and onnx "
    "where NETWORK has their files.",
)
@click.option("--inputs", default="data", show_default=True, help="Kinds of inputs, any of data,random,nasty.")
@data_option
@click.option("--samples", default=20, show_default=True, help="Number of test samples; 0: all.")
@click.option("--layers", type=click.IntRange(min=1), help="Compare only the first N layers.")
@click.option(
    "--per-layer",
    is_flag=True,
    help="Run every layer by itself, fed with the first backend's spikes, so that a difference stays in its layer.",
)
@click.option("--seed", default=0, show_default=True, help="Of the random inputs.")
@exits_option
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
    exits: Path | None,
) -> int:
    """Run the same samples on several backends and compare every spike of every layer and every output.

    "random" and "nasty" inputs are made for the network; nasty ones are extremes of the input's range, single pixels,
    alternating frames, inputs that bring a potential exactly to its threshold, one below and one above it, and more
    steps than the network was exported with. The backends netx and onnx run the exported files network.net and
    network.onnx beside NETWORK where they can; see snn-deploy help exactness. With --exits, samples also stop early:
    every spike up to the exit must be that of the whole run, and all backends must stop in the same steps. Exit code 1
    when a spike, an output or an exit differs.

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
        exits=exits,
        watch=output,
    )
    output.show(result)
    return 0 if result.is_identical else FAILED_CHECK
