"""snn-deploy forecast: a series continued by a network, each prediction being the next input."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import data_option
from snn_deploy.cli.output import Output, verb


@click.command("forecast")
@click.argument("network", type=click.Path(path_type=Path))
@data_option
@click.option("--backend", default="cpu", show_default=True, help="What runs an exported network: cpu or reference.")
@verb
def command(output: Output, network: Path, data: str | None, backend: str) -> None:
    """Continue the series that NETWORK was trained on the first part of, and say how far it is from the truth.

    NETWORK is an exported network (network.npz or its folder), or the folder of a run, whose floats then run. It is
    shown the true values up to the end of its training part and keeps its state; from there on each prediction is its
    next input. Beside it stands how far it is when it is shown the true values to the end.

    Example: snn-deploy forecast runs/mackey_glass-seed0/loihi
    """
    output.show(sd.forecast(network, backend=backend, data=data, watch=output))
