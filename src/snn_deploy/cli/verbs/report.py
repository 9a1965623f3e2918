"""snn-deploy report: everything that is known about a deployment, as one HTML file."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.completion import plug_ins, profiles
from snn_deploy.cli.options import data_option, exits_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb


@click.command("report")
@click.argument("source", metavar="RUN_OR_NETWORK", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    shell_complete=profiles(),
    help="A chip, or several. Default: the one of the export.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Default: report.html beside the network.")
@data_option
@click.option("--samples", type=int, help="Test samples to measure on; 0: all. Default: at most 1,000.")
@click.option("--compared", default=10, show_default=True, help="Test samples to compare the backends on.")
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    help="Another run or network that takes the same inputs, to measure the same of it and to show both.",
)
@click.option(
    "--backends",
    shell_complete=plug_ins("deploy.backends", is_list=True),
    help="Backends to compare. Default: reference, cpu, and onnx and lava where they are installed.",
)
@exits_option
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
    exits: Path | None,
) -> int:
    """Write a report on a deployment: accuracy, comparison of backends, layers, fit, energy and training.

    The report is one HTML file that opens offline. RUN_OR_NETWORK is a run folder with an exported network in RUN/loihi
    or RUN/onnx, or the folder or file of an exported network. Where exits.json lies beside it, or with --exits, the
    report also says what early exits save. Exit code 1 when a backend differs.

    Example: snn-deploy report runs/digits-seed0
    """
    result = sd.report(
        source,
        data,
        chips=profiles or None,
        samples=samples,
        compared=compared,
        beside=beside,
        backends=backends.split(",") if backends else None,
        exits=exits,
        watch=output,
    ).save(out)
    output.show(result)
    return FAILED_CHECK if result.differences else 0
