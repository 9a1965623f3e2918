"""journal: Optuna's trials of a search in SEARCH/journal.log, replayed from its first line whenever it is opened.

Optuna believes every line. Here a journal whose lines are damaged, or name what the search may not try, is refused.
Nothing is lost with it: what was measured is in SEARCH/points/, and a search without a journal reads it there.
"""

import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.network.field_check import shown
from snn_deploy.search.settings import MEASURES, SearchSettings
from snn_deploy.support.atomic_file import writing
from snn_deploy.support.npz_file import reason
from snn_deploy.support.require_file import require_file
from snn_deploy.support.signals_wait import signals_wait
from snn_deploy.support.user_error import UserError

try:
    import optuna
    from optuna.storages.journal import JournalFileBackend
except ImportError as error:
    raise UserError("search: needs the package optuna: pip install 'snn-deploy[search]'.") from error

_STUDY, _FILE = "search", "journal.log"
_QUEUED = "fixed_params"  # Optuna's name for the choices of a trial that was enqueued


class _File(JournalFileBackend):
    """The journal's file; what the system refuses to write is a WriteError.

    An interrupt waits: while Optuna releases its lock, it would make it release the lock twice, and fail.
    """

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with signals_wait(), writing(Path(self._file_path)):
            super().append_logs(logs)


def open_study(settings: SearchSettings, folder: Path, worker: int = 0) -> optuna.Study:
    """Return the study in `folder`, which is made where there is none; a damaged journal is a UserError.

    Every worker, and every call that goes on, draws its own random numbers.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    path = folder / _FILE
    if path.exists():
        require_file(path, "a folder for the search whose journal is a file")
    try:
        study = optuna.create_study(
            study_name=_STUDY,
            storage=optuna.storages.JournalStorage(_opened(path)),
            directions=["maximize" if MEASURES[name][0] else "minimize" for name in settings.objectives],
            load_if_exists=True,
        )
        trials = study.get_trials(deepcopy=False)
        if len(study.directions) != len(settings.objectives):
            raise ValueError(f"it has {len(study.directions)} objectives, and the search {len(settings.objectives)}")
        for trial in trials:
            _require_possible(trial, settings)
    except UserError:
        raise
    except Exception as error:  # replaying a line of any content, Optuna raises anything
        raise UserError(
            f"{path}: not a whole journal of this search ({reason(error)}). Remove it and go on with --resume: what "
            "was measured is kept."
        ) from error
    seed = int(np.random.SeedSequence([settings.seed, worker, len(trials)]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    return study


def mend(folder: Path) -> None:
    """Remove what a search that was killed, or had no room, left in the journal of `folder`: its lock, half a line.

    Optuna would write its next line behind the half one, and neither could be read again.
    """
    path = folder / _FILE
    with writing(path):
        for lock in folder.glob(f"{_FILE}.lock*"):
            lock.unlink(missing_ok=True)
        if path.is_file() and not (content := path.read_bytes()).endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)


def _opened(path: Path) -> _File:
    with writing(path):
        return _File(str(path))


def _require_possible(trial: optuna.trial.FrozenTrial, settings: SearchSettings) -> None:
    """Raise ValueError for a trial that no search with `settings` wrote."""
    where, space, state = f"trial {trial.number}", settings.space, trial.state
    queued = trial.system_attrs.get(_QUEUED)
    for chosen in (trial.params, {} if queued is None else queued):
        for name, value in chosen.items():
            if not any(value == v and type(value) is type(v) for v in space.get(name, ())):
                raise ValueError(f"{where} has {shown(name)} = {shown(value)}")
    for name, distribution in trial.distributions.items():
        if distribution != optuna.distributions.CategoricalDistribution(space[name]):
            raise ValueError(f"{where} chooses {shown(name)} in another way")
    has_all = trial.params.keys() == space.keys()
    if state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED) and not has_all:
        raise ValueError(f"{where} is done and has {len(trial.params)} of {len(space)} choices")
    if state == optuna.trial.TrialState.WAITING and (queued is None or queued.keys() != space.keys()):
        raise ValueError(f"{where} waits without choices")
    values = trial.values
    if state == optuna.trial.TrialState.COMPLETE and (
        values is None
        or len(values) != len(settings.objectives)
        or not all(isinstance(v, int | float) and math.isfinite(v) for v in values)
    ):
        raise ValueError(f"{where} has the values {shown(values)}")
    if trial.intermediate_values:
        raise ValueError(f"{where} has values of before its end")
