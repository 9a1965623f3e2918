"""A signal to stop ends a command with exit code 130, also where a library in C makes another error of it."""

import signal

import click
import pytest
from click.testing import CliRunner

from snn_deploy.cli.output import verb
from snn_deploy.cli.stop_signals import stop_came, stop_signals
from snn_deploy.support.user_error import UserError


def _ended(body):
    """Return what a command with `body` as its verb ends with."""

    @click.group()
    def main():
        click.get_current_context().with_resource(stop_signals())

    @main.command("work")
    @verb
    def work(output):
        body()

    return CliRunner().invoke(main, ["work"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("error", [ImportError("numpy.core.multiarray failed to import"), UserError("no optuna")])
def test_an_interrupt_that_became_another_error_is_an_interrupt(number, error):
    def body():
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            raise error from None

    result = _ended(body)
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_the_same_error_without_a_signal_is_what_it_was():
    def body():
        raise UserError("no optuna")

    result = _ended(body)
    assert result.exit_code == 2
    assert "no optuna" in result.stderr
    assert not stop_came()


def test_every_ctrl_c_is_heard_and_of_other_signals_one_in_five_seconds():
    heard = []

    def body():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGINT):
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt:
                heard.append(number)

    _ended(body)
    assert heard == [signal.SIGTERM, signal.SIGINT, signal.SIGINT]
