"""snn-deploy compare: trains variants at equal budget and prints a table of means and deviations."""

import re
from pathlib import Path

import click

import snn_deploy as sd
from snn_deploy.cli.options import set_option
from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.support.user_error import UserError


@click.command("compare")
@click.argument("configs", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Train every variant with the seeds 0 to N-1."
)
@set_option("Set a key of the config in every variant.")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="NAME:KEY=VALUE,...",
    help="A variant of CONFIG; may be given several times.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default="runs/compare", show_default=True, help="Folder of the runs."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="How many runs at the same time.")
@click.option("--layers", is_flag=True, help="Also print the spike rate and quantization error q(u) of every layer.")
@verb
def command(
    output: Output,
    configs: tuple[Path, ...],
    seeds: int,
    assignments: tuple[str, ...],
    variants: tuple[str, ...],
    out: Path,
    workers: int,
    layers: bool,
) -> int:
    """Train every CONFIG (or every --variant of one) with several seeds and compare the results.

    Each run has one thread. Called again after an interruption, it reads the finished runs and resumes the others. Exit
    code 1 when a run failed.

    \b
    Example: snn-deploy compare digits.toml --seeds 3 --variant plain: \\
      --variant imloss:losses.im_loss.weight=2.0 --variant rmploss:losses.rmp_loss.weight=0.1 --out runs/losses
    """
    from snn_deploy.train.config.read_config import require_settings  # noqa: PLC0415 - slow to import

    for config in configs:
        require_settings(config, assignments)  # a mistyped key is told at once, not when torch is loaded
    result = sd.compare(
        configs,
        seeds=seeds,
        changes=assignments,
        variants=_variants(variants),
        out=out,
        workers=workers,
        by_layer=layers,
        watch=output,
    )
    output.show(result)
    return FAILED_CHECK if result.failed else 0


def _variants(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return {"rmp": ("a.b=1", "c=[2, 3]")} for "rmp:a.b=1,c=[2, 3]"."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, changes = text.partition(":")
        if name in found:
            raise UserError(f"compare: two variants are named {name!r}. Give them different names.")
        found[name] = tuple(re.split(r",(?=[\w.]+=)", changes)) if changes else ()
    return found
