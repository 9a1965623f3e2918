"""compare: variants of a config trained with several seeds at equal budget: means and deviations."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.stopped import kept_when_stopped
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.run.comparison import (
    Job,
    Outcome,
    Spread,
    layer_spreads,
    require_same_configs,
    run_jobs,
    spreads,
)
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.score import ACCURACY_KEY, MSE_KEY, SMAPE_KEY, score_of

_ACCURACY, _SMAPE = f"test_{ACCURACY_KEY}", f"test_{SMAPE_KEY}"
_SCORES = (_ACCURACY, _SMAPE, f"test_{MSE_KEY}")
_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "test_accuracy": ("test accuracy %", lambda v: f"{100 * v:.2f}"),
    "test_smape": ("test sMAPE", lambda v: f"{v:.2f}"),
    "test_mse": ("test MSE", lambda v: f"{v:.3g}"),
    "spike_rate": ("spike rate", lambda v: f"{v:.4f}"),
    "quantization_error": ("q(u)", lambda v: f"{v:.4f}"),
    "synaptic_operations": ("synaptic operations a sample", lambda v: f"{v:,.0f}"),
    "seconds": ("seconds", lambda v: f"{v:.1f}"),
}
_NAME = re.compile(r"[\w.+-]+")


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Variants and how their runs ended. out: the folder of the runs. outcomes: variant -> one for each seed.

    by_layer: whether people see every layer, too.
    """

    out: Path
    outcomes: Mapping[str, tuple[Outcome, ...]]
    by_layer: bool = False

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The runs that an error stopped."""
        return tuple(o for runs in self.outcomes.values() for o in runs if o.error is not None)

    def spreads(self, variant: str) -> dict[str, Spread]:
        """Return quantity -> mean and standard deviation over the seeds of `variant`."""
        return spreads(self.outcomes[variant])

    def headline(self) -> str:
        """Return the score of every variant."""
        parts = []
        for name in self.outcomes:
            found = self.spreads(name)
            if _SMAPE in found:
                parts.append(f"{name} sMAPE {_cell(found[_SMAPE], _COLUMNS[_SMAPE][1])}")
            else:
                parts.append(f"{name} {_cell(found.get(_ACCURACY), _COLUMNS[_ACCURACY][1])} %")
        return ", ".join(parts)

    def blocks(self) -> tuple[Block, ...]:
        """Return a table of means and deviations, and one of the layers where that was asked for."""
        rows = []
        measured = {name: self.spreads(name) for name in self.outcomes}
        scores = {key for found in measured.values() for key in found} & set(_SCORES)
        columns = {k: c for k, c in _COLUMNS.items() if k in (scores or {_ACCURACY}) or k not in _SCORES}
        for name, runs in self.outcomes.items():
            cells = [_cell(measured[name].get(key), form) for key, (_, form) in columns.items()]
            rows.append((name, sum(o.error is None for o in runs), *cells))
        titles = ("variant", "runs", *(title for title, _ in columns.values()))
        return (
            Table(titles, tuple(rows)),
            "mean ± standard deviation over seeds; spike rate and q(u) are means over layers, on validation samples; "
            "operations are additions after spikes, without the first layer's products; seconds are wall-clock, "
            "without the first batch, which compiles.",
            *((self._layers(),) if self.by_layer else ()),
        )

    def _layers(self) -> Table:
        rows = []
        for name, runs in self.outcomes.items():
            rates, errors = (layer_spreads(runs, q) for q in ("spike_rate", "quantization_error"))
            dead = layer_spreads(runs, "dead_share")
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
        return Table(("variant", "layer", "spike rate", "q(u)", "never fires %"), tuple(rows))

    def to_dict(self) -> dict[str, object]:
        """Return every mean, deviation and run."""
        return {"out": str(self.out), "variants": {name: _plain(runs) for name, runs in self.outcomes.items()}}


def compare(
    configs: Sequence[str | Path],
    *,
    seeds: int = 3,
    changes: Sequence[str] = (),
    variants: Mapping[str, Sequence[str]] | None = None,
    out: str | Path = "runs/compare",
    workers: int = 1,
    by_layer: bool = False,
    watch: Watch = SILENT,
) -> Comparison:
    """Return what training every config, or every variant of one, with several seeds ends with.

    Parameters
    ----------
    configs
        Paths of TOML files; with `variants` one.
    seeds
        Seeds 0 to `seeds` - 1 of every variant.
    changes
        Assignments such as "training.epochs=5" for every variant.
    variants
        Name -> assignments that only this variant makes.
    out
        The folder: OUT/VARIANT/seedK is an ordinary run. Finished runs are read, stopped ones resumed.
    workers
        Runs at the same time, each on one thread.
    by_layer
        Whether people see spike rate and q(u) of every layer, too.
    watch
        Hears of every run that ends.

    Raises
    ------
    UserError
        For a config that makes no sense, or a folder with other runs. A run that fails is part of the result.
    """
    jobs = _jobs(configs, variants or {}, changes, seeds, Path(out))
    require_same_configs(jobs)
    found: dict[tuple[str, int], Outcome] = {}
    go_on = f"{out} holds the runs so far. Go on with the same command: it reads and resumes them."
    with (
        kept_when_stopped(lambda: go_on if Path(out).is_dir() else None),
        watch.progress(counted(len(jobs), "run"), len(jobs)) as advance,
    ):
        trained = {job.folder for job in jobs if RunFolder(job.folder).float_network.exists()}
        for outcome in run_jobs(jobs, workers):
            found[outcome.job.variant, outcome.job.seed] = outcome
            ended = outcome.error or _test_score(outcome)
            before = ", trained before" if outcome.job.folder in trained else ""
            watch.say(f"{outcome.job.variant} seed {outcome.job.seed}: {ended}{before}")
            advance(1)
    names = list(dict.fromkeys(job.variant for job in jobs))
    return Comparison(Path(out), {n: tuple(found[n, seed] for seed in range(seeds)) for n in names}, by_layer)


def _jobs(
    configs: Sequence[str | Path],
    variants: Mapping[str, Sequence[str]],
    changes: Sequence[str],
    seeds: int,
    out: Path,
) -> list[Job]:
    """Return one job per variant and seed; every config is read, so that a mistake stops all before the first."""
    if variants and len(configs) != 1:
        raise UserError(f"--variant changes one CONFIG; there are {len(configs)}. Give one, or no --variant.")
    chosen = (
        [(name, Path(configs[0]), tuple(own)) for name, own in variants.items()]
        if variants
        else [(Path(config).stem, Path(config), ()) for config in configs]
    )
    names = [name for name, _, _ in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"compare: two variants are named {name!r}. Give them different names.")
        if not _NAME.fullmatch(name):
            raise UserError(f"compare: a variant named {name!r}; allowed are letters, digits and _ . + -")
    return [
        Job(
            name,
            seed,
            read_config(config, [*changes, *own, f"seed={seed}", "training.threads=1"]),
            out / name / f"seed{seed}",
        )
        for name, config, own in chosen
        for seed in range(seeds)
    ]


def _test_score(outcome: Outcome) -> str:
    score = score_of(outcome.metrics)
    return f"test {score.shown(outcome.metrics[f'test_{score.key}'])}"


def _cell(spread: Spread | None, form: Callable[[float], str]) -> str:
    if spread is None:
        return "-"
    return form(spread.mean) if spread.deviation is None else f"{form(spread.mean)} ± {form(spread.deviation)}"


def _plain(outcomes: Sequence[Outcome]) -> dict[str, object]:
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
