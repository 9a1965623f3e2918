"""The command line, run in the process of the test."""

from click.testing import CliRunner, Result

from snn_deploy.cli.main import main


def snn_deploy(*arguments: object) -> Result:
    """Run the command line in this process; standard output and standard error are kept apart."""
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
