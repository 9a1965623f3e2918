"""trained: the trained network of a deployment, trained once for the whole search.

Only the most steps are trained from the start. Fewer steps begin from the trained network of the next more (time
inheritance training, Dspike Sec. 4.4). Weight bits, thresholds and chips are choices of the export and train nothing.
A network that is made to fit fewer cores begins with the trained one of as many steps, once for each chip and number of
cores: it is counted with the most weight bits that are searched, and fewer never take more cores.
SEARCH/trained/NAME-steps4/ is an ordinary run folder, SEARCH/trained/NAME-steps4-CHIP-6-cores/ that of a fit; a lock
beside it lets the other processes wait.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from snn_deploy.fitting.accounting import Targets
from snn_deploy.fitting.rounds import fitted
from snn_deploy.fitting.settings import FitSettings
from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.search.settings import Deployment, SearchSettings, longer, of_fit, of_training
from snn_deploy.support.atomic_file import writing
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.combinations import least_epochs
from snn_deploy.train.config.read_config import changed_config
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.run.checkpoint import checkpoint_digest
from snn_deploy.train.run.inheritance import Parent
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.run_folder import RunFolder

_FITTED_SAMPLES = 500  # of the training set, on which the loss of a channel is estimated


def trained_network(settings: SearchSettings, deployment: Deployment, folder: Path) -> FloatNetwork:
    """Return the network of `deployment`, after training what is missing; a training that was stopped goes on.

    A network that was to fit and comes out larger is a UserError that says how near it came.
    """
    run = _run(settings, deployment, folder)
    if deployment.fitted_cores is not None:
        run = _fitted_run(settings, deployment, run, folder)
    return read_float_network(run.float_network)


def config_of(settings: SearchSettings, deployment: Deployment) -> TrainConfig:
    """Return the config that its network is trained with; choices that make no sense together are a UserError."""
    assignments = [*(f"{key}={value}" for key, value in deployment.choices), f"steps={deployment.steps}"]
    if "steps" in settings.config["data"]:  # event data: as many frames
        assignments.append(f"data.steps={deployment.steps}")
    where = f"search, steps {deployment.steps}"
    config = changed_config(settings.config, assignments, where)
    if longer(settings, deployment) is None:
        return config
    epochs = max(_later_epochs(settings, config), config.quantization.epochs)
    return changed_config(settings.config, [*assignments, f"training.epochs={epochs}", "ann_first.epochs=0"], where)


def _run(settings: SearchSettings, deployment: Deployment, folder: Path) -> RunFolder:
    files = RunFolder(folder / "trained" / _name(settings, deployment))
    more = longer(settings, deployment)
    with _alone(files.path):
        if not files.float_network.exists():
            config = config_of(settings, deployment)
            parent = None
            if more is not None:
                parent = _parent(settings, more, _run(settings, more, folder))
            train(config, files.path, resume=True, parent=parent)
    return files


def _fitted_run(settings: SearchSettings, deployment: Deployment, whole: RunFolder, folder: Path) -> RunFolder:
    """Return the last stage of the fit of the run `whole` to the cores of `deployment`."""
    parent = _parent(settings, deployment, whole)
    wanted = FitSettings(
        parent.digest,
        deployment.profile,
        Targets(cores=deployment.fitted_cores),
        "nengo-loihi",
        "taylor",
        rounds=1,
        epochs=_later_epochs(settings, parent.config),
        quantized_epochs=0,
        samples=_FITTED_SAMPLES,
        weight_bits=max(settings.weight_bits),
        per_channel=False,
    )
    place = _fit_folder(settings, deployment, folder)
    with _alone(place):
        *_, last = fitted(parent, wanted, place, Watcher(), lambda stage: None, resume=True)
    if last.measures.excess(wanted.targets):
        raise UserError(f"does not fit {wanted.targets}: comes to {last.measures} with {last.layers}")
    return RunFolder(last.folder)


def _parent(settings: SearchSettings, deployment: Deployment, run: RunFolder) -> Parent:
    return Parent(run.path, config_of(settings, deployment), checkpoint_digest(run.checkpoint))


def _name(settings: SearchSettings, deployment: Deployment) -> str:
    return f"{of_training(settings, deployment)}-steps{deployment.steps}"


def _fit_folder(settings: SearchSettings, deployment: Deployment, folder: Path) -> Path:
    return folder / "trained" / f"{_name(settings, deployment)}-{of_fit(deployment)}"


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the lock beside a folder, so that one process fills it and the others wait."""
    lock = place.with_name(f"{place.name}.lock")
    with ExitStack() as held:
        with writing(lock):
            lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(lock))
        yield


def _later_epochs(settings: SearchSettings, config: TrainConfig) -> int:
    """Return the epochs of a training that starts from a trained network."""
    return max(settings.inherited_epochs, *(least_epochs(loss.options) for loss in config.losses))


def trained_epochs(settings: SearchSettings, deployment: Deployment, folder: Path) -> int:
    """Return the epochs that led to its network: of its own training, and of those that it started from."""
    more = longer(settings, deployment)
    before = 0 if more is None else trained_epochs(settings, more, folder)
    if deployment.fitted_cores is not None:
        stages = _fit_folder(settings, deployment, folder).glob("stage*")
        before += sum(int(RunFolder(stage).read_metrics()[-1]["epoch"]) for stage in stages)
    return before + config_of(settings, deployment).training.epochs


def trainings(settings: SearchSettings) -> int:
    """Return how many networks the whole space needs."""
    every = [settings.deployment(chosen) for chosen in settings.deployments()]
    fits = {(d.without_export(), d.profile, d.fitted_cores) for d in every if d.fitted_cores is not None}
    return len({d.without_export() for d in every}) + len(fits)


def checked(settings: SearchSettings) -> None:
    """Read the config of every training once, so that a mistake stops the search before the first.

    A value that fits with some of the others is tried; where it does not fit, the point is pruned with the reason.
    """
    errors: dict[tuple[str, Any], UserError] = {}
    fitting: set[tuple[str, Any]] = set()
    for chosen in settings.deployments():
        try:
            config_of(settings, settings.deployment(chosen))
            fitting.update(chosen.items())
        except UserError as error:
            for item in chosen.items():
                errors.setdefault(item, error)
    for item, first in errors.items():
        if item not in fitting:
            raise first
