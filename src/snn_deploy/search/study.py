"""study: chooses which deployment to try next, with Optuna, in one process or several.

SEARCH/search.json           the settings; a search goes on only with the same one
SEARCH/journal.log           Optuna's trials (journal.py)
SEARCH/trained/              the trained networks (trained.py)
SEARCH/points/KEY/           every deployment that was tried: network.npz and point.json (point.py)
SEARCH/front.json, .png      the Pareto front, verified (front.py)

A space that is not larger than the number of trials is tried whole, most steps first. Else Optuna's TPE sampler
(Bergstra et al., NeurIPS 2011; several objectives: Ozaki et al., JAIR 2022) chooses. What a requirement rules out is
pruned, and TPE learns from it as from what is worse than every measured one. A deployment that was tried before is
read, not measured again. All are measured on validation samples; test samples are looked at once, for the front.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from snn_deploy.search.journal import mend, open_study, optuna
from snn_deploy.search.point import Point, point, read_point
from snn_deploy.search.settings import Deployment, SearchSettings
from snn_deploy.search.trained import config_of
from snn_deploy.support.worker_pool import worker_pool
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.splits import validation_samples

_REPEATS = 20  # trials for each deployment of the budget, at most: where TPE finds nothing else to choose
_EVER_TRIED = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)


@dataclass(frozen=True)
class Budget:
    """How long a search goes on. trials: those of earlier calls count. workers: processes at the same time."""

    trials: int
    workers: int = 1


def search(settings: SearchSettings, folder: Path, budget: Budget, tried: Callable[[int], None]) -> None:
    """Try deployments until `budget.trials` are done. tried: called with how many were done since the last call.

    An interrupt keeps every finished point; the same call goes on. No other may write to `folder` (one_writer).
    """
    _remove_leftovers(folder)
    study = open_study(settings, folder)
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # of a search that was stopped
    if settings.size <= budget.trials:
        done = [t.params for t in study.get_trials(deepcopy=False, states=_EVER_TRIED)]
        waiting = [t.system_attrs.get("fixed_params") for t in study.get_trials(deepcopy=False)
                   if t.state == optuna.trial.TrialState.WAITING]  # fmt: skip
        for chosen in settings.deployments():
            if chosen not in done and chosen not in waiting:
                study.enqueue_trial(chosen)
    before = _done(study)
    total = min(budget.trials, settings.size)
    if budget.workers == 1:
        _work(settings, folder, total, 0, tried)
        return

    def look() -> None:
        nonlocal before
        now = _done(study)
        tried(now - before)
        before = now

    with worker_pool(budget.workers) as pool:
        for _ in pool.results(_work, [(settings, folder, total, worker) for worker in range(budget.workers)], look):
            pass
    look()


def _work(
    settings: SearchSettings, folder: Path, total: int, worker: int, tried: Callable[[int], None] = lambda count: None
) -> None:
    """Try deployments in this process, the `worker`-th from 0, until the study has `total` of them."""
    torch.set_num_threads(1)
    samples: dict[Any, Samples] = {}

    def samples_of(deployment: Deployment) -> Samples:
        if (training := deployment.without_export()) not in samples:
            config = config_of(settings, deployment)
            held_out = validation_samples(config.data.options, config.held_out.validation, "search")
            samples[training] = config.shown(held_out.first(settings.samples))
        return samples[training]

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        chosen = {name: trial.suggest_categorical(name, values) for name, values in settings.space.items()}
        deployment = settings.deployment(chosen)
        found = point(settings, deployment, folder, lambda: samples_of(deployment))
        if found.pruned:
            raise optuna.TrialPruned(found.pruned)
        return tuple(found.measures[name] for name in settings.objectives)

    study = open_study(settings, folder, worker)

    before = _done(study)

    def stop_when_done(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        nonlocal before
        now = _done(study)
        tried(now - before)
        before = now
        if now >= total or trial.number >= _REPEATS * total:
            study.stop()

    if before < total:
        study.optimize(objective, callbacks=[stop_when_done])


def _remove_leftovers(folder: Path) -> None:
    """Remove the half-written files of a search that was killed, and what it left in the journal."""
    mend(folder)
    for pattern in (".front.*", "points/*/.*"):
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)


def _done(study: optuna.Study) -> int:
    """Return how many deployments were tried; TPE chooses some twice, which costs a look into a file."""
    trials = study.get_trials(deepcopy=False, states=_EVER_TRIED)
    return len({tuple(sorted(trial.params.items())) for trial in trials})


def points(settings: SearchSettings, folder: Path) -> list[Point]:
    """Return every point that was tried so far, in the order of the trials, each once."""
    keys: dict[str, Deployment] = {}
    for trial in open_study(settings, folder).get_trials(deepcopy=False, states=_EVER_TRIED):
        deployment = settings.deployment(trial.params)
        keys.setdefault(deployment.key, deployment)
    return [read_point(folder / "points" / key / "point.json", deployment) for key, deployment in keys.items()]
