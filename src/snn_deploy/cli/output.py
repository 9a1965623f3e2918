"""output: what every verb shares: --json, --quiet, one line per error, exit codes, tables and progress for people."""

import functools
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from snn_deploy.cli.live_line import LiveLine, Steps
from snn_deploy.cli.pages import TOPICS
from snn_deploy.cli.stop_signals import lost_stops, stop_came
from snn_deploy.cli.unexpected_error import sentence_about
from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.support.atomic_file import WriteError
from snn_deploy.support.printable import one_line
from snn_deploy.support.result import Result, Table, as_text, shortened
from snn_deploy.support.stopped import Stopped
from snn_deploy.support.user_error import UserError

_JOINT = "\u00a0"  # a space that textwrap takes for a letter
_END_OF_A_CLAUSE = re.compile(r"[A-Za-z][.;](?:\s|$)")
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:%|[munp]?[JsWm]|bytes|bits)(?:\W|$))")
FAILED_CHECK = 1
USER_MISTAKE = 2
CLICKS_OWN = (click.ClickException, click.exceptions.Exit, click.Abort)  # which click's main ends with
_SAID_ANYWAY = ("warning: ", "Interrupted: ")  # lines about a result that is not the one that was meant
INTERRUPTED = 130  # what shells give a program that SIGINT ended


class Output:
    """Where a verb writes, and the Watch of its calls. With --json, people's lines go to standard error.

    live: the line that moves, on a terminal. With --quiet, only what a verb found and errors are written.
    """

    is_silent = False

    def __init__(self, as_json: bool, is_quiet: bool = False) -> None:
        self.as_json = as_json
        self.is_quiet = is_quiet
        self.live = LiveLine(is_wanted=not (is_quiet or self.is_silent))

    def silent(self) -> "Output":
        """Return an output that writes nothing: of the processes that train along and do not write."""
        return _SilentOutput(self.as_json)

    def say(self, line: str = "") -> None:
        """Write one line on the way to a result. --quiet leaves it out, unless the result is not what was meant."""
        if not self.is_quiet or line.startswith(_SAID_ANYWAY):
            self.line(line)

    def line(self, line: str = "") -> None:
        """Write one line of a result; what is no visible character is written as its escape."""
        self._write(line, err=self.as_json)

    def lines(self, text: str) -> None:
        """Write lines of a result."""
        for line in text.split("\n"):
            self.line(line)

    def error(self, text: str, advice: str = "") -> None:
        """Write an error on standard error, the lines after the first indented, and as the object of --json."""
        self.result({"error": text})
        first, *others = text.split("\n")
        for line in (f"Error: {first}{advice}", *(f"  {line}" for line in others)):
            self._write(line, err=True)

    def interrupted(self, what_is_kept: str) -> None:
        """Say on standard error that the command was interrupted."""
        for line in f"Interrupted.{what_is_kept}".split("\n"):
            self._write(line, err=True)

    @property
    def columns(self) -> int | None:
        """How wide the terminal is that people's lines go to; None where they go to none."""
        return _columns(err=self.as_json)

    def table(self, table: Table) -> None:
        """Write a table of a result; numbers stand to the right."""
        columns = self.columns
        if columns is None:
            self.lines(as_text(table))
            return
        shown, left_out = shortened(table)
        self.lines(as_text(shown, columns))
        if left_out:
            self.line(left_out)

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
                self.line(block)

    def result(self, value: Mapping[str, object]) -> None:
        """Write the JSON object of --json; nothing without it."""
        if self.as_json:
            with self.live.paused():
                _write(json.dumps(value))

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yield a function that moves a progress bar on standard error by so many of `total`."""
        steps = Steps(title, total)
        with lost_stops() as raise_lost, self.live.shows(steps.parts):

            def advance(count: int) -> None:
                steps.advance(count)
                raise_lost()

            yield advance

    def _write(self, line: str, *, err: bool) -> None:
        shown, width = one_line(line), _columns(err=err)
        with self.live.paused():
            for part in [shown] if width is None else wrapped(shown, width):
                _write(part, err=err)


def wrapped(line: str, width: int) -> list[str]:
    """Return `line` in lines of at most `width` letters, broken between words, the later ones indented.

    A command to copy and a word that is longer, such as a path, stay whole; a number and its unit stay together.
    """
    indent = " " * (len(line) - len(line.lstrip()))
    is_command = line.lstrip().startswith("snn-deploy ") and not _END_OF_A_CLAUSE.search(line)
    if len(line) <= width or is_command:
        return [line]
    joined = _BEFORE_A_UNIT.sub(_JOINT, line)
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    parts = textwrap.wrap(joined, width, subsequent_indent=f"{indent}  ", **options)
    return [part.replace(_JOINT, " ") for part in parts]


def _columns(*, err: bool) -> int | None:
    """Return how many columns the terminal behind standard output or error has; None where there is none."""
    try:
        stream = sys.stderr if err else sys.stdout
        return (os.get_terminal_size(stream.fileno()).columns or None) if stream.isatty() else None
    except (OSError, ValueError, AttributeError):  # closed meanwhile or before, or no file at all
        return None


def _write(line: str, *, err: bool = False) -> None:
    """Write one line; a full disk behind it is a WriteError, and what was not written is dropped."""
    try:
        click.echo(line, err=err)
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

    def line(self, line: str = "") -> None:
        pass

    def result(self, value: Mapping[str, object]) -> None:
        pass


def verb(function: Callable[..., int | None]) -> Callable[..., None]:
    """Return `function(output, ...)` as the body of a command with --json and --quiet, whose UserErrors are a line."""

    @click.option("--json", "as_json", is_flag=True, help="Write one JSON object on standard output.")
    @click.option("--quiet", "-q", is_flag=True, help="Write the result only: no progress, no lines on the way.")
    @functools.wraps(function)
    def command(as_json: bool, quiet: bool, **arguments: Any) -> None:
        output = Output(as_json, quiet)
        try:
            with output.live.working():
                code = _unless_stopped(function, output, arguments)
        except UserError as error:
            topic = TOPICS.get(function.__module__.rpartition(".")[2])
            output.error(str(error), f" More: snn-deploy help {topic}" if topic else "")
            sys.exit(USER_MISTAKE)
        except JobError as error:
            output.error(str(error))
            sys.exit(FAILED_CHECK)
        except KeyboardInterrupt as interrupt:
            output.interrupted(f" {interrupt}" if isinstance(interrupt, Stopped) else "")
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
