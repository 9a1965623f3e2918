"""snn-deploy doctor: versions, and which backends really work here."""

import click

import snn_deploy as sd
from snn_deploy.cli.output import FAILED_CHECK, Output, verb


@click.command("doctor")
@verb
def command(output: Output) -> int:
    """Print versions, and try every backend on a tiny network.

    Exit code 1 when an installed backend fails or gives wrong spikes.

    Example: snn-deploy doctor --json
    """
    found = sd.doctor(watch=output)
    output.show(found)
    return 0 if found.is_sound else FAILED_CHECK
