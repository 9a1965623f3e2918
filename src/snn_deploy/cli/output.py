"""output: what every verb shares: --json, one line per error, exit codes, tables and progress for people."""

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from snn_deploy.cli.pages import TOPICS
from snn_deploy.deploy.running.backend import expected_seconds, load_backend
from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

FAILED_CHECK = 1
USER_MISTAKE = 2
_WORTH_SAYING = 20.0  # seconds
INTERRUPTED = 130  # what shells give a program that SIGINT ended


class Output:
    """Where a verb writes. With --json, people's lines go to standard error."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, line: str = "") -> None:
        """Write one line for people."""
        click.echo(line, err=self.as_json)

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table for people; numbers stand to the right."""
        from rich import box  # noqa: PLC0415 - only commands that print tables need it
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for i, title in enumerate(titles):
            is_number = bool(rows) and all(_is_number(str(row[i])) for row in rows)
            table.add_column(title, justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        console = Console(stderr=self.as_json, highlight=False)
        if not console.is_terminal:
            console.width = 200  # files and pipes have no width; do not break their lines
        console.print(table)

    def result(self, value: dict[str, Any]) -> None:
        """Write the JSON object of --json; nothing without it."""
        if self.as_json:
            click.echo(json.dumps(value))

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yield a function that moves a progress bar on standard error by so many of `total`."""
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(title, total=total)
            yield lambda count: bar.advance(task, count)


def verb(function: Callable[..., int | None]) -> Callable[..., None]:
    """Return `function(output, ...)` as the body of a command with --json, UserErrors as one line and exit code 2."""

    @click.option("--json", "as_json", is_flag=True, help="Write one JSON object on standard output.")
    @functools.wraps(function)
    def command(as_json: bool, **arguments: Any) -> None:
        output = Output(as_json)
        try:
            code = function(output, **arguments)
        except UserError as error:
            output.result({"error": str(error)})
            topic = TOPICS.get(function.__module__.rpartition(".")[2])
            click.echo(f"Error: {error}" + (f" More: snn-deploy help {topic}" if topic else ""), err=True)
            sys.exit(USER_MISTAKE)
        except JobError as error:
            output.result({"error": str(error)})
            click.echo(f"Error: {error}", err=True)
            sys.exit(FAILED_CHECK)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(INTERRUPTED)
        sys.exit(code or 0)

    return command


def say_expected(output: Output, name: str, network: IntegerNetwork, samples: int) -> None:
    """Say how long the backend `name` will take, where it knows and that is worth saying."""
    seconds = expected_seconds(load_backend(name), network, samples)
    if seconds is not None and seconds >= _WORTH_SAYING:
        about = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
        output.say(f"{name}: {samples} samples will take about {about}")


def percent(share: float) -> str:
    """Return 0.98765 as '98.77 %'."""
    return f"{100 * share:.2f} %"


def _is_number(text: str) -> bool:
    return bool(text) and all(letter in "0123456789.,+-%e " for letter in text)
