"""snn-deploy run: an exported network on one backend."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.completion import plug_ins
from snn_deploy.cli.options import data_option, exits_option
from snn_deploy.cli.output import INTERRUPTED, Output, verb


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
@verb
def command(
    output: Output,
    network: Path,
    backend: str,
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
