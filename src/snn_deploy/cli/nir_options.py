"""nir_options: what NIR files need beside their path, and the network in whatever file a user gives to `export`."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from snn_deploy.cli.output import Output
from snn_deploy.interchange.nir.reading import DEFAULT_TIME_STEP, NirReading
from snn_deploy.interchange.read_nir import read_nir
from snn_deploy.interchange.write_nir import write_nir
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.support.user_error import UserError

_OPTIONS = (
    click.option(
        "--steps", type=int, help="Of a .nir file: time steps per sample; required for files of other programs."
    ),
    click.option(
        "--input-max", type=int, help="Of a .nir file: largest input, 1 for spikes, 255 for pixels; required likewise."
    ),
    click.option("--input-scale", type=float, help="Of a .nir file: factor of the inputs. Default: 1 / the largest."),
    click.option("--dt", type=float, help=f"Of a .nir file: time step in seconds. Default: {DEFAULT_TIME_STEP:g}."),
    click.option("--discretization", type=click.Choice(["euler", "exact"]), help="Of a .nir file. Default: euler."),
    click.option(
        "--reset",
        type=click.Choice(["value", "subtract"]),
        help="Of a .nir file: to v_reset (value, the default), or subtract the threshold.",
    ),
    click.option(
        "--fires",
        type=click.Choice(["above", "at"]),
        help="Of a .nir file: only above the threshold (NIR's definition, the default), or also at it.",
    ),
)


def nir_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function(..., reading)` as a command with the options that say how a .nir file is read."""

    @functools.wraps(function)
    def command(
        *arguments: Any,
        steps: int | None,
        input_max: int | None,
        input_scale: float | None,
        dt: float | None,
        discretization: str | None,
        reset: str | None,
        fires: str | None,
        **others: Any,
    ) -> Any:
        stated: dict[str, Any] = {
            "steps": steps,
            "largest_value": input_max,
            "scale": input_scale,
            "time_step": dt,
            "discretization": discretization,
            "reset": reset,
            "fires_at_threshold": None if fires is None else fires == "at",
        }
        reading = NirReading(**{name: value for name, value in stated.items() if value is not None})
        return function(*arguments, reading=reading, **others)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_trained(run: Path, reading: NirReading, target: str) -> FloatNetwork:
    """Return the network at `run`: a run folder, a float_network.npz or a .nir file, read as `reading` says."""
    if run.suffix == ".nir":
        return read_nir(run, reading)
    allowed = NirReading(time_step=reading.time_step) if target == "nir" else NirReading()
    if reading != allowed:
        raise UserError(
            f"{run}: --steps, --input-max, --input-scale, --dt, --discretization, --reset and --fires say how a .nir "
            "file is read (--dt also how one is written); this is none. Leave them out."
        )
    return read_float_network(run / "float_network.npz" if run.is_dir() else run)


def export_nir(output: Output, network: FloatNetwork, folder: Path, time_step: float | None) -> dict[str, Any]:
    """Write network.nir to `folder` and say what it means; return what --json prints."""
    path, step = folder / "network.nir", DEFAULT_TIME_STEP if time_step is None else time_step
    write_nir(network, path, step)
    output.say(f"wrote {path}")
    output.say(f"in floats, for forward Euler with a time step of {step:g} s, {network.steps} steps per sample;")
    output.say(f"inputs are 0..{network.input.largest_value} times {network.input.scale:.6g}.")
    last = network.output
    if not last.fires and (last.voltage_keep == 1).all():
        output.say(f"The sum of its Output over the steps is the potential of {last.name!r}.")
    return {"files": [str(path)], "time_step": step, "steps": network.steps}
