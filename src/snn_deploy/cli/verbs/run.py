"""snn-deploy run: an exported network on one backend."""

from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource

import snn_deploy as sd
from snn_deploy.api.decision import Stream
from snn_deploy.cli.completion import plug_ins
from snn_deploy.cli.options import data_option, exits_option
from snn_deploy.cli.output import INTERRUPTED, Output, verb
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.stream_file import FORMATS

_OF_STREAMS = ("window", "hold", "from_rest", "file_format", "step_time", "sensor")
_OF_SAMPLES = ("samples", "placement", "workers", "cluster", "record", "explain", "exits")


@click.command("run")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backend",
    shell_complete=plug_ins("deploy.backends"),
    default="cpu",
    show_default=True,
    help="reference, cpu, lava, netx, onnx, loihi2, or auto: lava where it is installed, else cpu. "
    "cpu:int8, cpu:float32, cpu:event and cpu:wide force one path of the CPU simulator where it is exact.",
)
@data_option
@click.option("--samples", default=0, show_default=True, help="Number of test samples; 0: all.")
@click.option(
    "--placement", type=click.Path(path_type=Path), help="Run the network as the cores of this placement hold it."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that share the samples. Default: one, or one per core for a run of more than ten seconds.",
)
@click.option("--cluster", help="Address of a dask scheduler whose workers share the samples.")
@click.option("--record", type=click.Path(path_type=Path), help="Write every spike and potential to this .h5 file.")
@click.option("--explain", is_flag=True, help="Print which path the CPU simulator takes for each connection, and why.")
@exits_option
@click.option(
    "--stream",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="Decide again and again about frames, values or events from standard input, or from this file or device, with "
    "state kept in between.",
)
@click.option("--window", default=0, help="Of a stream: steps for each decision; 0: those of a sample in training.")
@click.option("--hold", default=1, show_default=True, help="Of a stream: steps for which each frame is shown.")
@click.option("--from-rest", is_flag=True, help="Of a stream: start each window from rest, so that no state is kept.")
@click.option(
    "--format", "file_format", help=f"Of a stream: {', '.join(FORMATS)}. Default: npy or json, by the first byte."
)
@click.option("--step-time", type=float, help="Of a stream of events: duration of a step, in the unit of their times.")
@click.option("--sensor", help="Of a stream of events: the camera's WIDTHxHEIGHT. Default: as the input.")
@verb
def command(
    output: Output,
    network: Path,
    backend: str,
    stream: str | None,
    window: int,
    hold: int,
    from_rest: bool,
    file_format: str | None,
    step_time: float | None,
    sensor: str | None,
    data: str | None,
    samples: int,
    placement: Path | None,
    workers: int | None,
    cluster: str | None,
    record: Path | None,
    explain: bool,
    exits: Path | None,
) -> int:
    """Run NETWORK (network.npz or its folder) on a backend: accuracy, spikes, synaptic operations, outputs.

    Example: snn-deploy run runs/digits-seed0/loihi --backend lava --samples 20
    """
    _refuse_mixed(is_stream=stream is not None)
    if stream is not None:
        streamed: dict[str, Any] = {"window": window, "hold": hold, "from_rest": from_rest, "step_time": step_time}
        found = sd.stream(
            network, stream, backend=backend, data=data, file_format=file_format, sensor=_sides(sensor), **streamed
        )
        return _show_decisions(output, found)
    result = sd.run(
        network,
        data,
        samples=samples,
        backend=backend,
        record=record or False,
        placement=placement,
        workers=workers,
        cluster=cluster,
        explain=explain,
        exits=exits,
        watch=output,
    )
    output.show(result)
    return INTERRUPTED if result.is_interrupted else 0


def _refuse_mixed(*, is_stream: bool) -> None:
    """Raise UserError for an option of samples where a stream runs, and the other way round."""
    context = click.get_current_context()
    for name in _OF_SAMPLES if is_stream else _OF_STREAMS:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "--" + name.removeprefix("file_").replace("_", "-")
            of = "samples, and --stream has none" if is_stream else "a stream, and there is no --stream"
            raise UserError(f"{option} is of {of}. Leave one of them out.")


def _sides(sensor: str | None) -> tuple[int, int] | None:
    """Return (height, width) of WIDTHxHEIGHT."""
    if sensor is None:
        return None
    sides = sensor.split("x")
    if len(sides) != 2 or not all(side.isdecimal() and len(side) < 6 for side in sides):
        raise UserError(f"--sensor {sensor!r}; allowed is WIDTHxHEIGHT, such as 346x260.")
    return int(sides[1]), int(sides[0])


def _show_decisions(output: Output, decisions: Stream) -> int:
    """Write each decision as it comes, one line or one JSON object each, and at the end how long they took."""
    latencies: list[float] = []
    code = 0
    try:
        for decision in decisions:
            latencies.append(decision.latency)
            output.show(decision)
    except KeyboardInterrupt:
        output.say("Interrupted.")
        code = INTERRUPTED
    spare = f", {decisions.left_over} steps after the last" if decisions.left_over else ""
    output.say(f"{len(latencies)} decisions in {decisions.steps} steps{spare}")
    if latencies:
        middle, late, most = (1000 * value for value in np.quantile(latencies, [0.5, 0.99, 1]))
        output.say(f"latency: median {middle:.2f} ms, 99 % within {late:.2f} ms, at most {most:.2f} ms")
    return code
