"""A signal to stop ends a command with exit code 130, also where a library in C makes another error of it."""

import signal

import click
import pytest
from click.testing import CliRunner

from snn_deploy.cli.output import Output, verb
from snn_deploy.cli.stop_signals import stop_came, stop_signals
from snn_deploy.cli.training_progress import training_progress
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


class _Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_training", [False, True], ids=["bar", "training"])
def test_an_interrupt_that_python_dropped_comes_again_with_the_next_progress(is_training):
    done = []

    def body():
        output = Output(as_json=False)
        with training_progress(output) if is_training else output.progress("samples", 3) as shown:
            for number in range(3):
                if number == 1:
                    _Finalized()  # Python ignores what its __del__ raises
                    done.append("after")
                shown.batch(1, number, 3, {"train_accuracy": 0.5}) if is_training else shown(1)
                done.append(number)

    result = _ended(body)
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")
    assert done == [0, "after"]


def test_an_interrupt_that_was_seen_does_not_come_again():
    done = []

    def body():
        output = Output(as_json=False)
        try:
            with output.progress("samples", 3):
                signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            done.append("interrupted")
        signal.raise_signal(signal.SIGTERM)  # a second one so soon is none
        with output.progress("what was found", 1) as advance:
            advance(1)
            done.append("found")

    assert _ended(body).exit_code == 0
    assert done == ["interrupted", "found"]
