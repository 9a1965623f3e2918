"""snn-deploy search: which steps, weight bits, thresholds, chip and network to deploy: a Pareto front of files."""

from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.completion import profiles
from snn_deploy.cli.options import set_option
from snn_deploy.cli.output import FAILED_CHECK, INTERRUPTED, Output, verb
from snn_deploy.support.user_error import UserError


@click.command("search")
@click.argument("config", type=click.Path(path_type=Path))
@set_option("Set a key of CONFIG for all deployments.")
@click.option("--steps", help="Numbers of time steps to try, such as 8,4,2. Default: CONFIG's, 3/4, 1/2 and 1/4 of it.")
@click.option("--weight-bits", default="8,6,5,4,3", show_default=True, help="Bits of a signed weight to try.")
@click.option("--thresholds", default="scalar,per-channel", show_default=True, help="Threshold modes to try.")
@click.option(
    "--profiles", shell_complete=profiles(is_list=True), default="loihi2", show_default=True, help="Chips to try."
)
@click.option(
    "--allowed-losses",
    default="none",
    show_default=True,
    help="Early exits to try: points of accuracy that stopping may cost, or none, such as none,0.1,0.5.",
)
@click.option(
    "--fit-cores",
    default="none",
    show_default=True,
    help="Numbers of cores that networks are made to fit, and none for networks as they were trained: none,6,3.",
)
@click.option(
    "--for",
    "placed_for",
    default="cores",
    show_default=True,
    help="Mappings to try: with the fewest cores, with the shortest step, or both: cores,latency.",
)
@click.option(
    "--choose",
    "choices",
    multiple=True,
    metavar="KEY=A|B",
    help="Values of a config key to try, such as norms or widths.",
)
@click.option(
    "--objectives",
    default="accuracy,energy",
    show_default=True,
    help="What to optimize, of accuracy, energy, latency, cores, chips, operations, mean_steps; the most important "
    "first.",
)
@click.option(
    "--require",
    "requirements",
    multiple=True,
    metavar="LIMIT",
    help="A requirement, such as 'chips<=1' or 'energy<=5uJ'; may be given several times.",
)
@click.option("--trials", type=click.IntRange(min=1), default=60, show_default=True, help="Deployments to try.")
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    help="Validation samples to measure on, and test samples for the front; 0: all.",
)
@click.option(
    "--inherited-epochs",
    type=click.IntRange(min=1),
    help="Epochs of trainings with fewer steps, or more where a loss needs them. Default: a quarter of CONFIG's.",
)
@click.option(
    "--verify",
    "verified",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Samples to verify each point of the front on.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes, with one thread each."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampler that chooses trials."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the search. Default: runs/search-CONFIG.")
@click.option("--resume", is_flag=True, help="Continue the search in --out.")
@verb
def command(
    output: Output,
    config: Path,
    assignments: tuple[str, ...],
    steps: str | None,
    weight_bits: str,
    thresholds: str,
    profiles: str,
    allowed_losses: str,
    fit_cores: str,
    placed_for: str,
    choices: tuple[str, ...],
    objectives: str,
    requirements: tuple[str, ...],
    trials: int,
    samples: int,
    inherited_epochs: int | None,
    verified: int,
    workers: int,
    seed: int,
    out: Path | None,
    resume: bool,
) -> int:
    """Find the Pareto-optimal deployments of CONFIG, each a network file that was verified spike for spike.

    For each choice of config keys one network is trained with the most steps; networks with fewer steps start from it
    (time inheritance training); weight bits, thresholds and chips only need another export. --resume continues a search
    that was killed, or stopped by Ctrl-C or SIGTERM, which print what was found. Energy and latency are the highest
    estimates for the chip. With --allowed-losses, deployments whose samples stop when they are sure are tried too, each
    measured up to its exits; with --fit-cores, networks that were made to fit (see fit); with --for cores,latency,
    mappings with short steps (see map). Exit code 1 when a spike differs on the front, or no deployment meets the
    requirements.

    \b
    Examples:
      snn-deploy search digits.toml --workers 2 --require "chips<=1" --require "accuracy>=95"
      snn-deploy search digits.toml --choose "norm.name=centered_tdbn|scale_tdbn" --objectives accuracy,latency
    """
    from snn_deploy.train.config.read_config import require_settings  # noqa: PLC0415 - slow to import

    require_settings(config, assignments)  # a mistyped key is told at once, not when torch is loaded
    result = sd.search(
        config,
        changes=assignments,
        steps=None if steps is None else _whole_numbers("--steps", steps),
        weight_bits=_whole_numbers("--weight-bits", weight_bits),
        thresholds=_words(thresholds),
        chips=_words(profiles),
        allowed_losses=_losses(allowed_losses),
        fit_cores=_cores(fit_cores),
        placed_for=_words(placed_for),
        choices=_choices(choices),
        objectives=_words(objectives),
        require=requirements,
        trials=trials,
        samples=samples,
        inherited_epochs=inherited_epochs,
        verify=verified,
        workers=workers,
        seed=seed,
        out=out,
        resume=resume,
        watch=output,
    )
    output.show(result)
    if result.is_interrupted:
        return INTERRUPTED
    return 0 if result.is_identical else FAILED_CHECK


def _choices(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not key or key in found:
            raise UserError(f"--choose {text}; write KEY=A|B|C, each key once, such as 'norm.name=tdbn|scale_tdbn'.")
        found[key] = tuple(value.strip() for value in values.split("|"))
    return found


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UserError(f"{option} {text}; allowed are whole numbers from 1, such as 8,4,2.") from None


def _losses(text: str) -> tuple[float | None, ...]:
    try:
        return tuple(None if word == "none" else float(word) / 100 for word in _words(text))
    except ValueError:
        raise UserError(
            f"--allowed-losses {text}; allowed are none and points of accuracy, such as none,0.1,0.5."
        ) from None


def _cores(text: str) -> tuple[int | None, ...]:
    try:
        return tuple(None if word == "none" else int(word) for word in _words(text))
    except ValueError:
        raise UserError(f"--fit-cores {text}; allowed are none and whole numbers from 1, such as none,6,3.") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))
