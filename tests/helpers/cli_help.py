"""The command line, run in the process of the test."""

import json
from typing import Any

from click.testing import CliRunner, Result

from snn_deploy.cli.main import main


def snn_deploy(*arguments: object) -> Result:
    """Run the command line in this process; standard output and standard error are kept apart."""
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def as_json(*arguments: object, code: int = 0) -> Any:
    """Return what the command line prints with --json, when it ends with `code`."""
    done = snn_deploy(*arguments, "--json")
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout)  # fails unless standard output is one JSON object
