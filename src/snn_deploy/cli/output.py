"""output: what every verb shares: --json, one line per error, exit codes, tables and progress for people."""

import functools
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from snn_deploy.cli.pages import TOPICS
from snn_deploy.cli.stop_signals import lost_stops, stop_came
from snn_deploy.cli.unexpected_error import sentence_about
from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.support.atomic_file import WriteError
from snn_deploy.support.printable import one_line
from snn_deploy.support.result import Result, Table, as_text
from snn_deploy.support.user_error import UserError

FAILED_CHECK = 1
USER_MISTAKE = 2
CLICKS_OWN = (click.ClickException, click.exceptions.Exit, click.Abort)  # which click's main ends with
INTERRUPTED = 130  # what shells give a program that SIGINT ended


class Output:
    """Where a verb writes, and the Watch of its calls. With --json, people's lines go to standard error."""

    is_silent = False

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def is_terminal(self) -> bool:
        """Whether people's lines go to a terminal."""
        return (sys.stderr if self.as_json else sys.stdout).isatty()

    def silent(self) -> "Output":
        """Return an output that writes nothing: of the processes that train along and do not write."""
        return _SilentOutput(self.as_json)

    def say(self, line: str = "") -> None:
        """Write one line for people; what is no visible character is written as its escape."""
        _write(line, err=self.as_json)

    def say_lines(self, text: str) -> None:
        """Write lines for people."""
        for line in text.split("\n"):
            self.say(line)

    def error(self, text: str, advice: str = "") -> None:
        """Write an error on standard error, the lines after the first indented, and as the object of --json."""
        self.result({"error": text})
        first, *others = text.split("\n")
        for line in (f"Error: {first}{advice}", *(f"  {line}" for line in others)):
            _write(line, err=True)

    def table(self, table: Table) -> None:
        """Write a table for people; numbers stand to the right."""
        width = shutil.get_terminal_size().columns if self.is_terminal else 200  # do not break the lines of a pipe
        self.say_lines(as_text(table, width))

    def show(self, result: Result) -> None:
        """Write what `result` says for people, and its JSON object where --json asks for it."""
        self.show_blocks(result)
        self.result(result.to_dict())

    def show_blocks(self, result: Result) -> None:
        """Write what `result` says for people."""
        for block in result.blocks():
            if isinstance(block, Table):
                self.table(block)
            else:
                self.say(block)

    def result(self, value: Mapping[str, object]) -> None:
        """Write the JSON object of --json; nothing without it."""
        if self.as_json:
            _write(json.dumps(value))

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yield a function that moves a progress bar on standard error by so many of `total`."""
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        with (
            lost_stops() as raise_lost,
            Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        ):
            task = bar.add_task(one_line(title), total=total)

            def advance(count: int) -> None:
                bar.advance(task, count)
                raise_lost()

            yield advance


def _write(line: str, *, err: bool = False) -> None:
    """Write one line; a full disk behind it is a WriteError, and what was not written is dropped."""
    try:
        click.echo(one_line(line), err=err)
    except BrokenPipeError:  # `| head` has seen enough; click's main ends quietly
        raise
    except OSError as error:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2 if err else 1)  # Python would try again when it ends, and complain in lines of its own
        os.close(nothing)
        name = "standard error" if err else "standard output"
        raise WriteError(f"{name}: cannot be written ({error.strerror or error}). Choose another place.") from error


class _SilentOutput(Output):
    is_silent = True

    def say(self, line: str = "") -> None:
        pass

    def result(self, value: Mapping[str, object]) -> None:
        pass


def verb(function: Callable[..., int | None]) -> Callable[..., None]:
    """Return `function(output, ...)` as the body of a command with --json, UserErrors as one line and exit code 2."""

    @click.option("--json", "as_json", is_flag=True, help="Write one JSON object on standard output.")
    @functools.wraps(function)
    def command(as_json: bool, **arguments: Any) -> None:
        output = Output(as_json)
        try:
            code = _unless_stopped(function, output, arguments)
        except UserError as error:
            topic = TOPICS.get(function.__module__.rpartition(".")[2])
            output.error(str(error), f" More: snn-deploy help {topic}" if topic else "")
            sys.exit(USER_MISTAKE)
        except JobError as error:
            output.error(str(error))
            sys.exit(FAILED_CHECK)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(INTERRUPTED)
        except (SystemExit, BrokenPipeError, *CLICKS_OWN):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of a Rust library is none of Exception
            output.error(sentence_about(error))
            sys.exit(USER_MISTAKE)
        sys.exit(code or 0)

    return command


def _unless_stopped(function: Callable[..., int | None], output: Output, arguments: Mapping[str, Any]) -> int | None:
    """Return function(output, ...); an error after a signal to stop is that signal's, whatever it has become."""
    try:
        return function(output, **arguments)
    except Exception as error:
        if stop_came():
            raise KeyboardInterrupt from error
        raise


def percent(share: float) -> str:
    """Return 0.98765 as '98.77 %'."""
    return f"{100 * share:.2f} %"
