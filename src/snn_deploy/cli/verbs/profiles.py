"""snn-deploy profiles: the chips and the ways to count energy, number by number with their sources."""

import click

import snn_deploy as sd
from snn_deploy.cli.completion import profiles
from snn_deploy.cli.output import Output, verb


@click.command("profiles")
@click.argument("profile", required=False, shell_complete=profiles())
@verb
def command(output: Output, profile: str | None) -> None:
    """List the hardware profiles, or print every number of PROFILE, a name or a TOML file.

    Example: snn-deploy profiles loihi1
    """
    output.show(sd.profiles() if profile is None else sd.profile(profile))
