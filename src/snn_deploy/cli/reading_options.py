"""reading_options: what files of other programs need beside their path, and the network that `export` is given."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.output import Output
from snn_deploy.interchange.compare_with_recording import compare_with_recording
from snn_deploy.interchange.lava_dl.reading import NetReading
from snn_deploy.interchange.nir.reading import DEFAULT_TIME_STEP, NirReading
from snn_deploy.interchange.read_net import read_net
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.interchange.write_nir import write_nir
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.source_comparison import source_line
from snn_deploy.support.counted import counted
from snn_deploy.support.plugin import plugin_names
from snn_deploy.support.user_error import UserError

_OPTIONS = (
    click.option(
        "--steps", type=int, help="Of a .nir or .net file: time steps per sample; required where the file has none."
    ),
    click.option(
        "--input-max", type=int, help="Of a .nir or .net file: largest input, 1 for spikes, 255 for pixels; likewise."
    ),
    click.option("--input-scale", type=float, help="Of a .nir file: factor of the inputs. Default: 1 / the largest."),
    click.option(
        "--written-by",
        type=click.Choice(plugin_names("interchange.nir.written_by")),
        help="Of a .nir file: the framework whose exporter wrote it, which sets what the next four options say. "
        "Default: by marks in the file, else NIR's own definitions.",
    ),
    click.option("--dt", type=float, help=f"Of a .nir file: time step in seconds. Default: {DEFAULT_TIME_STEP:g}."),
    click.option("--discretization", type=click.Choice(["euler", "exact"]), help="Of a .nir file. Default: euler."),
    click.option(
        "--reset",
        type=click.Choice(["value", "subtract", "subtract-later"]),
        help="Of a .nir file: to v_reset (value, the default), or subtract the threshold, at once or a step later.",
    ),
    click.option(
        "--fires",
        type=click.Choice(["above", "at"]),
        help="Of a .nir file: only above the threshold (NIR's definition, the default), or also at it.",
    ),
    click.option(
        "--against",
        type=click.Path(path_type=Path),
        help="Of a .nir or .net file: inputs and spikes recorded in the network's own framework (.npz or NIRData), "
        "with which it is compared.",
    ),
    click.option(
        "--input-spikes",
        is_flag=True,
        help="Of a .net file: the neurons of its input layer are left out, and the input is their spikes.",
    ),
)


@dataclass(frozen=True)
class Readings:
    """How a file of another program is read: as a NIR file, as one of lava-dl; and what it is compared with."""

    nir: NirReading = field(default_factory=NirReading)
    net: NetReading = field(default_factory=NetReading)
    against: Path | None = None


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function(..., reading)` as a command with the options that say how a .nir or .net file is read."""

    @functools.wraps(function)
    def command(
        *arguments: Any,
        steps: int | None,
        input_max: int | None,
        input_scale: float | None,
        written_by: str | None,
        dt: float | None,
        discretization: str | None,
        reset: str | None,
        fires: str | None,
        against: Path | None,
        input_spikes: bool,
        **others: Any,
    ) -> Any:
        stated: dict[str, Any] = {
            "steps": steps,
            "largest_value": input_max,
            "scale": input_scale,
            "written_by": written_by,
            "time_step": dt,
            "discretization": discretization,
            "reset": reset,
            "fires_at_threshold": None if fires is None else fires == "at",
        }
        nir = NirReading(**{name: value for name, value in stated.items() if value is not None})
        reading = Readings(nir, NetReading(steps, input_max, not input_spikes), against)
        return function(*arguments, reading=reading, **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_trained(run: Path, reading: Readings, target: str, output: Output) -> FloatNetwork | IntegerNetwork:
    """Return the network at `run`: a run folder, a float_network.npz, or a .nir or .net file, read and compared so."""
    time_step = reading.nir.time_step if target == "nir" else None
    if run.suffix == ".nir":
        if not reading.net.input_neurons:
            raise UserError(f"{run}: --input-spikes says how a .net file is read; this is none. Leave it out.")
        return _compared(read_nir(run, reading.nir, watch=output), reading.against)
    if run.suffix == ".net":
        stated = NirReading(steps=reading.net.steps, largest_value=reading.net.largest_value)
        if target == "nir":
            raise UserError(f"{run}: --target nir; a NIR file holds floats, and this network came in integers.")
        if reading.nir != stated:
            raise UserError(
                f"{run}: --input-scale, --written-by, --dt, --discretization, --reset and --fires say how a .nir file "
                "is read; this is none. Leave them out."
            )
        return _compared(read_net(run, reading.net), reading.against)
    if reading != Readings(NirReading(time_step=time_step)):
        raise UserError(
            f"{run}: --steps, --input-max, --input-scale, --written-by, --dt, --discretization, --reset, --fires, "
            "--against and --input-spikes say how a .nir or .net file is read (--dt also how a .nir file is written); "
            "this is none. Leave them out."
        )
    return read_float_network(run / "float_network.npz" if run.is_dir() else run)


def _compared(network: FloatNetwork | IntegerNetwork, against: Path | None) -> FloatNetwork | IntegerNetwork:
    """Return the network with what was compared in its provenance; a difference is a UserError."""
    if against is None:
        return network
    comparison = compare_with_recording(network, against)
    return replace(network, provenance={**network.provenance, "compared": comparison.to_dict()})


def export_nir(output: Output, network: FloatNetwork, folder: Path, time_step: float | None) -> dict[str, Any]:
    """Write network.nir to `folder` and say what it means; return what --json prints."""
    path, step = folder / "network.nir", DEFAULT_TIME_STEP if time_step is None else time_step
    write_nir(network, path, step)
    output.line(f"wrote {path}")
    output.line(
        f"in floats, for forward Euler with a time step of {step:g} s, {counted(network.steps, 'step')} per sample;"
    )
    output.line(f"inputs are 0..{network.input.largest_value} times {network.input.scale:.6g}.")
    last = network.output
    if (line := source_line(network.provenance)) is not None:
        output.line(line)
    if not last.fires and (last.voltage_keep == 1).all():
        output.line(f"The sum of its Output over the steps is the potential of {last.name!r}.")
    return {"files": [str(path)], "time_step": step, "steps": network.steps}
