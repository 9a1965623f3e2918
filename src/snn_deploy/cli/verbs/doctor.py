"""snn-deploy doctor: versions, and which backends really work here."""

import click

import snn_deploy as sd
from snn_deploy.cli.output import FAILED_CHECK, Output, verb


@click.command("doctor")
@verb
def command(output: Output) -> int:
    """Print versions, and try every backend on a tiny network.

    Exit code 1 when a backend that is installed gives wrong spikes or fails.
    Example: snn-deploy doctor --json
    """
    found = sd.doctor()
    output.show(found)
    return 0 if found.is_sound else FAILED_CHECK
