"""snn-deploy export: a trained network becomes integers, and files that other programs open."""

from pathlib import Path
from typing import Literal

import click

import snn_deploy as sd
from snn_deploy.cli.completion import profiles
from snn_deploy.cli.options import data_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.cli.reading_options import Readings, export_nir, read_trained, reading_options
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.support.plugin import plugin_names
from snn_deploy.support.user_error import UserError

_SHIFTS = ("refuse", "bias", "reset")


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--target",
    type=click.Choice([*plugin_names("export.targets"), "nir"]),
    default="loihi",
    show_default=True,
    help="The file beside network.npz: network.net for lava-dl, network.onnx, or network.nir in floats.",
)
@click.option(
    "--profile",
    shell_complete=profiles(),
    default="loihi2",
    show_default=True,
    help="Hardware profile: a name, or a TOML file.",
)
@click.option("--weight-bits", type=int, help="Bits of a signed weight. Default: as trained, else 8.")
@click.option(
    "--thresholds",
    type=click.Choice(["scalar", "per-channel"]),
    help="One threshold and weight scale per layer, or per channel. Default: as trained, else scalar.",
)
@click.option(
    "--shift",
    type=click.Choice(_SHIFTS),
    default="refuse",
    show_default=True,
    help="What becomes of the shifts of norms: refused, a bias in each step, or moved into thresholds and resets.",
)
@click.option("--round-decays", is_flag=True, help="Round decays to those of the chip, and print the change.")
@click.option(
    "--lava-dl",
    is_flag=True,
    help="Choose integers that network.net holds: biases in whole weight steps, one exponent for a layer.",
)
@click.option(
    "--states",
    type=click.Choice(["proved", "measured"]),
    default="proved",
    show_default=True,
    help="What fits the chip's bits: the states that any input can cause, or those measured on samples.",
)
@click.option("--margin", type=float, help="How many times the measured states must fit. Default: 2.")
@click.option(
    "--measured-samples", default=100, show_default=True, help="Training samples of --states measured; 0: all."
)
@data_option
@click.option("--samples", default=0, show_default=True, help="Test samples for the accuracy in integers; 0: all.")
@click.option("--health", default=0, show_default=True, help="Test samples for the health report; 0: no report.")
@click.option("--require", help="Limits for the health report, NAME=NUMBER,...; see snn-deploy help export.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files. Default: RUN/TARGET.")
@verb
@reading_options
def command(
    output: Output,
    run: Path,
    target: str,
    profile: str,
    weight_bits: int | None,
    thresholds: str | None,
    shift: Literal["refuse", "bias", "reset"],
    round_decays: bool,
    lava_dl: bool,
    states: Literal["proved", "measured"],
    margin: float | None,
    measured_samples: int,
    data: str | None,
    samples: int,
    health: int,
    require: str | None,
    out: Path | None,
    reading: Readings,
) -> int:
    """Export RUN to integers: network.npz for snn-deploy, and the file of a target.

    RUN is a run folder, a float_network.npz, a .nir file, or a .net file of lava-dl, whose integers stay as they are.
    --health compares each layer with the float network; --require sets limits on that report (measured on 20 samples
    unless --health says otherwise; shares in percent), and a broken limit gives exit code 1.

    Example: snn-deploy export runs/digits-seed0 --target loihi --profile loihi2 --require accuracy_drop=0.5,dead=10
    """
    from snn_deploy.api.health import read_limits  # noqa: PLC0415 - numpy is slow to import

    required = read_limits(require)
    if target == "nir" and (health or required):
        raise UserError(f"--health {health} --target {target}; the health report is of integers. Leave it out.")
    network = read_trained(run, reading, target, output)
    folder = out or (run if run.is_dir() else run.parent) / target
    if target == "nir" and isinstance(network, FloatNetwork):
        output.result(export_nir(output, network, folder, reading.nir.time_step))
        return 0
    # A file of another program names no data.
    has_data = data is not None or not {"nir", "net"} & set(network.provenance)
    result = sd.export(
        network,
        chip=profile,
        weight_bits=weight_bits,
        per_channel=None if thresholds is None else thresholds == "per-channel",
        shift=shift,
        round_decays=round_decays,
        lava_dl=lava_dl,
        states=states,
        margin=margin,
        measured_samples=measured_samples,
        measure=has_data,
        inputs=data,
        samples=samples,
        health=health,
        require=required,
        watch=output,
    ).save(folder, target)
    output.show(result)
    if not has_data:
        output.line("integer accuracy  not measured: the file names no data set. Give --data NAME or NAME:PATH.")
    return FAILED_CHECK if result.broken_limits else 0
