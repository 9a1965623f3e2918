"""The command `snn-deploy`: one file per verb, loaded when it is called, so that --help is instant."""

import importlib
import sys
from typing import Any

import click

from snn_deploy.cli.stop_signals import stop_signals

_VERBS = {
    "compare": "Train variants at equal budget; print means and deviations over seeds.",
    "demo": "Train, export, verify and estimate a small network, in about a minute.",
    "doctor": "Say which backends work on this machine, and what to do about the others.",
    "energy": "Estimate the energy per sample from measured spikes.",
    "exits": "Fit when a sample may stop before the last step, as soon as its output is sure.",
    "export": "Turn a trained network into integers and files for a chip.",
    "fit": "Make a trained network smaller until it fits a chip, with training between.",
    "forecast": "Continue a series with a network that predicts its next value.",
    "fuzz": "Compare backends on random networks.",
    "help": "List the pages of the documentation, or print one.",
    "init": "Write a commented config for a data set and a model.",
    "map": "Place the neurons of an exported network on the cores of a chip.",
    "plot": "Draw a run: rates, membrane potentials, surrogate, accuracy, loss.",
    "profiles": "List the chips and ways to count energy, number by number with sources.",
    "report": "Write everything that is known about a deployment into one HTML file.",
    "run": "Run an exported network on a backend: accuracy, spikes, synaptic operations.",
    "search": "Find the Pareto-optimal deployments of a config, each a verified network file.",
    "train": "Train a bias-free spiking network from a TOML config.",
    "verify": "Compare every spike of every layer between backends.",
}


class _Verbs(click.Group):
    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line; whatever goes wrong outside the verbs is one line too."""
        try:
            return super().main(*arguments, **options)
        except (SystemExit, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of a Rust library is none of Exception
            from snn_deploy.cli.output import USER_MISTAKE, Output  # noqa: PLC0415 - --help needs none of it
            from snn_deploy.cli.unexpected_error import sentence_about  # noqa: PLC0415

            Output("--json" in sys.argv).error(sentence_about(error))
            sys.exit(USER_MISTAKE)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        return importlib.import_module(f"snn_deploy.cli.verbs.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="snn-deploy", prog_name="snn-deploy")
def main() -> None:
    """Bring a trained spiking network to neuromorphic hardware without changing one spike.

    A network goes through train -> export -> verify, then run, map, energy or report. Every command takes --json: one
    JSON object on standard output, everything else on standard error. Exit codes: 0 success, 1 a failed check, 2 wrong
    input, 130 interrupted, by Ctrl-C, SIGTERM or a terminal that was closed.
    """
    click.get_current_context().with_resource(stop_signals())


if __name__ == "__main__":
    main()
