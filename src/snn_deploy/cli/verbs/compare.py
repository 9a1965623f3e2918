"""snn-deploy compare: trains variants at equal budget and prints a table of means and deviations."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snn_deploy.cli.output import FAILED_CHECK, Output, percent, verb
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    from snn_deploy.train.run.comparison import Job, Outcome, Spread

_COLUMNS = {
    "test_accuracy": ("test accuracy %", lambda v: f"{100 * v:.2f}"),
    "spike_rate": ("spike rate", lambda v: f"{v:.4f}"),
    "quantization_error": ("q(u)", lambda v: f"{v:.4f}"),
    "synaptic_operations": ("synaptic operations a sample", lambda v: f"{v:,.0f}"),
    "seconds": ("seconds", lambda v: f"{v:.1f}"),
}
_NAME = re.compile(r"[\w.+-]+")


@click.command("compare")
@click.argument("configs", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Seeds 0 to N-1 of every variant.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change one key of every variant.")
@click.option(
    "--variant", "variants", multiple=True, metavar="NAME:KEY=VALUE,...", help="A variant of the one CONFIG; repeat it."
)
@click.option("--out", type=click.Path(path_type=Path), default="runs/compare", show_default=True, help="Folder.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Runs at the same time.")
@click.option("--layers", is_flag=True, help="Print spike rate and q(u) of every layer, too.")
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
    """Train every CONFIG (or every --variant of one) with several seeds, each on one thread, and compare.

    Stopped, it goes on where it was: finished runs are read, unfinished ones resumed. Exit code 1 when a run failed.

    \b
    Example: snn-deploy compare examples/digits.toml --seeds 3 --variant plain: \\
      --variant imloss:losses.im_loss.weight=2.0 --variant rmploss:losses.rmp_loss.peak=0.1 --out runs/losses
    """
    from snn_deploy.train.run.comparison import require_same_configs, run_jobs  # noqa: PLC0415 - torch is slow to import

    jobs = _jobs(configs, variants, assignments, seeds, out)
    require_same_configs(jobs)
    found: dict[tuple[str, int], Outcome] = {}
    with output.progress(f"{len(jobs)} runs", len(jobs)) as advance:
        for outcome in run_jobs(jobs, workers):
            found[outcome.job.variant, outcome.job.seed] = outcome
            ended = outcome.error or f"test {percent(outcome.metrics['test_accuracy'])}"
            output.say(f"{outcome.job.variant} seed {outcome.job.seed}: {ended}")
            advance(1)
    names = list(dict.fromkeys(job.variant for job in jobs))
    by_variant = {name: [found[name, seed] for seed in range(seeds)] for name in names}
    _print_tables(output, by_variant, layers)
    output.result({"out": str(out), "variants": {name: _as_json(runs) for name, runs in by_variant.items()}})
    return FAILED_CHECK if any(outcome.error for outcome in found.values()) else 0


def _jobs(
    configs: Sequence[Path], variants: Sequence[str], assignments: Sequence[str], seeds: int, out: Path
) -> list["Job"]:
    """Return one job per variant and seed; every config is read, so that a mistake stops all before the first."""
    from snn_deploy.train.config.read_config import read_config  # noqa: PLC0415
    from snn_deploy.train.run.comparison import Job  # noqa: PLC0415

    if variants and len(configs) != 1:
        raise UserError(f"--variant changes one CONFIG; there are {len(configs)}. Give one, or no --variant.")
    chosen = [_variant(text) for text in variants] or [(config.stem, ()) for config in configs]
    names = [name for name, _ in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"compare: two variants are named {name!r}. Give them different names.")
        if not _NAME.fullmatch(name):
            raise UserError(f"compare: a variant named {name!r}; allowed are letters, digits and _ . + -")
    return [
        Job(name, seed, read_config(config, [*assignments, *own, f"seed={seed}", "training.threads=1"]), folder)
        for (name, own), config in zip(chosen, configs if not variants else [configs[0]] * len(chosen), strict=True)
        for seed in range(seeds)
        for folder in [out / name / f"seed{seed}"]
    ]


def _variant(text: str) -> tuple[str, tuple[str, ...]]:
    """Return ("rmp", ("a.b=1", "c=[2, 3]")) for "rmp:a.b=1,c=[2, 3]"."""
    name, _, changes = text.partition(":")
    return name, tuple(re.split(r",(?=[\w.]+=)", changes)) if changes else ()


def _print_tables(output: Output, by_variant: dict[str, list["Outcome"]], layers: bool) -> None:
    from snn_deploy.train.run.comparison import layer_spreads, spreads  # noqa: PLC0415

    rows = []
    for name, outcomes in by_variant.items():
        found = spreads(outcomes)
        cells = [_cell(found.get(key), form) for key, (_, form) in _COLUMNS.items()]
        rows.append((name, sum(o.error is None for o in outcomes), *cells))
    output.table(["variant", "runs", *(title for title, _ in _COLUMNS.values())], rows)
    output.say("mean ± standard deviation over seeds; spike rate and q(u) are means over layers, on test samples;")
    output.say(
        "operations are additions after spikes, without the first layer's products; seconds are wall-clock, without"
    )
    output.say("the first batch, which compiles.")
    if layers:
        rows = []
        for name, outcomes in by_variant.items():
            rates, errors = (layer_spreads(outcomes, q) for q in ("spike_rate", "quantization_error"))
            dead = layer_spreads(outcomes, "dead_share")
            rows += [
                (
                    name,
                    layer,
                    _cell(rate, _COLUMNS["spike_rate"][1]),
                    _cell(errors[layer], _COLUMNS["quantization_error"][1]),
                    _cell(dead[layer], lambda v: f"{100 * v:.1f}"),
                )
                for layer, rate in rates.items()
            ]
        output.table(["variant", "layer", "spike rate", "q(u)", "never fires %"], rows)


def _cell(spread: "Spread | None", form: Any) -> str:
    if spread is None:
        return "-"
    return form(spread.mean) if spread.deviation is None else f"{form(spread.mean)} ± {form(spread.deviation)}"


def _as_json(outcomes: Sequence["Outcome"]) -> dict[str, Any]:
    from snn_deploy.train.run.comparison import layer_spreads, spreads  # noqa: PLC0415

    return {
        **{name: asdict(spread) for name, spread in spreads(outcomes).items()},
        "layers": {
            quantity: {layer: asdict(spread) for layer, spread in layer_spreads(outcomes, quantity).items()}
            for quantity in ("spike_rate", "quantization_error", "dead_share")
        },
        "runs": [
            {"run": str(o.job.folder), "seed": o.job.seed, "error": o.error, **(o.values() if not o.error else {})}
            for o in outcomes
        ],
    }
