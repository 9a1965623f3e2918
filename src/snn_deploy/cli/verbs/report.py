"""snn-deploy report: everything that is known about a deployment, as one HTML file."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import data_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb


@click.command("report")
@click.argument("source", metavar="RUN_OR_NETWORK", type=click.Path(path_type=Path))
@click.option("--profile", "profiles", multiple=True, help="A chip, again for each; default: loihi1 and loihi2.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: report.html beside the network.")
@data_option
@click.option("--samples", type=int, help="Test samples that are measured; 0 is all. Default: at most 1,000.")
@click.option("--compared", default=10, show_default=True, help="Test samples that every backend runs.")
@click.option("--beside", type=click.Path(path_type=Path), help="A run or network whose potentials are drawn as well.")
@click.option("--backends", help="Compared; default: reference, cpu, and onnx and lava where they are installed.")
@verb
def command(
    output: Output,
    source: Path,
    profiles: tuple[str, ...],
    out: Path | None,
    data: str | None,
    samples: int | None,
    compared: int,
    beside: Path | None,
    backends: str | None,
) -> int:
    """Write what a deployment of RUN_OR_NETWORK is like: accuracy, identical spikes, layers, fit, energy, training.

    One HTML file that opens offline. RUN_OR_NETWORK is a run folder with an exported network in RUN/loihi or RUN/onnx,
    or such a network. --beside takes one that was trained otherwise, such as without a regularizer. Exit code 1 when a
    backend differs. Example: snn-deploy report runs/digits-seed0
    """
    result = sd.report(
        source,
        data,
        chips=profiles or ("loihi1", "loihi2"),
        samples=samples,
        compared=compared,
        beside=beside,
        backends=backends.split(",") if backends else None,
        watch=output,
    ).save(out)
    output.show(result)
    return FAILED_CHECK if result.differences else 0
