"""comparison: several configs, several seeds each, trained side by side and summed up.

DIR/VARIANT/seedK is an ordinary run folder, with seconds.json beside its other files. A comparison that was stopped
goes on where it was: finished runs are read, unfinished ones resumed.
"""

import json
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn_deploy.support.atomic_file import WriteError, write_text
from snn_deploy.support.user_error import UserError
from snn_deploy.support.worker_pool import worker_pool
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.metrics_lines import kept_line
from snn_deploy.train.run.run_folder import RunFolder
from snn_deploy.train.run.run_start import config_of_run, differing_keys, holds_run
from snn_deploy.train.run.score import ACCURACY_KEY, MSE_KEY, SMAPE_KEY


@dataclass(frozen=True)
class Job:
    """One run of a comparison."""

    variant: str
    seed: int
    config: TrainConfig
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What one run ended with: its metrics and its seconds, or the error that stopped it."""

    job: Job
    metrics: Mapping[str, Any]
    seconds: float
    error: str | None = None

    def of_layers(self, quantity: str) -> dict[str, float]:
        """Return layer -> a quantity that was measured after its epoch (see layer_statistics.py)."""
        start = f"measured/{quantity}/"
        return {key.removeprefix(start): value for key, value in self.metrics.items() if key.startswith(start)}

    def values(self) -> dict[str, float]:
        """Return the numbers that are compared; what was not measured is left out. Rate and q: means over layers."""
        found = {"seconds": self.seconds}
        for split in ("test", "validation"):
            for key in (ACCURACY_KEY, SMAPE_KEY, MSE_KEY):
                if f"{split}_{key}" in self.metrics:
                    found[f"{split}_{key}"] = self.metrics[f"{split}_{key}"]
        for quantity in ("spike_rate", "quantization_error"):
            layers = self.of_layers(quantity)
            if layers:
                found[quantity] = statistics.fmean(layers.values())
        if "measured/synaptic_operations" in self.metrics:
            found["synaptic_operations"] = self.metrics["measured/synaptic_operations"]
        return found


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (with n - 1; None for a single run)."""

    mean: float
    deviation: float | None


def require_same_configs(jobs: Sequence[Job]) -> None:
    """Raise a UserError where a folder holds a run with another config than its job's."""
    for job in jobs:
        if holds_run(job.folder):
            differing = differing_keys(config_of_run(job.folder), job.config)
            if differing:
                raise UserError(
                    f"{job.folder}: holds a run with another config: {'; '.join(differing)}. "
                    "Choose another folder with --out, or remove this one."
                )


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Yield every job's outcome as it ends; `workers` processes work at the same time."""
    if workers == 1:
        yield from map(run_job, jobs)
        return
    with worker_pool(workers) as pool:
        for _, outcome in pool.results(run_job, [(job,) for job in jobs]):
            yield outcome


def run_job(job: Job) -> Outcome:
    """Train, or go on training, or only read what is finished; return the outcome.

    A UserError is part of it, but for a full disk, which stops the others too.
    """
    files = RunFolder(job.folder)
    clock = _Clock(job.folder / "seconds.json")
    if not files.float_network.exists():
        try:
            train(job.config, job.folder, Watcher(batch=clock.begin, epoch=clock.save), resume=True)
        except WriteError:
            raise
        except UserError as error:
            return Outcome(job, {}, clock.seconds, str(error))
    return Outcome(job, kept_line(files.read_metrics()), clock.seconds)


def spreads(outcomes: Sequence[Outcome]) -> dict[str, Spread]:
    """Return quantity -> its mean and deviation over the runs that ended well."""
    rows = [outcome.values() for outcome in outcomes if outcome.error is None]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _spread([row[name] for row in rows if name in row]) for name in names}


def layer_spreads(outcomes: Sequence[Outcome], quantity: str) -> dict[str, Spread]:
    """Return layer -> mean and deviation of a measured quantity over the runs that ended well."""
    rows = [outcome.of_layers(quantity) for outcome in outcomes if outcome.error is None]
    return {layer: _spread([row[layer] for row in rows]) for layer in (rows[0] if rows else {})}


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


class _Clock:
    """Seconds of work on a run, kept in a file, so that those before a stop count too.

    The first batch after a start does not count: it compiles the kernels.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._start = path, math.nan
        self._before = json.loads(path.read_text())["seconds"] if path.exists() else 0.0
        self.seconds = self._before

    def begin(self, epoch: int, batch: int, batches: int, means: Mapping[str, float]) -> None:
        if math.isnan(self._start):
            self._start = time.perf_counter()

    def save(self, metrics: Mapping[str, Any]) -> None:
        self.seconds = self._before + time.perf_counter() - self._start
        write_text(self._path, json.dumps({"seconds": self.seconds}))
