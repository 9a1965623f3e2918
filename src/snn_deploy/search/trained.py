"""trained: the trained network of a deployment, trained once for the whole search.

Only the most steps are trained from the start. Fewer steps begin from the trained network of the next more (time
inheritance training, Dspike Sec. 4.4). Weight bits, thresholds and chips are choices of the export and train nothing.
SEARCH/trained/NAME-steps4/ is an ordinary run folder; a lock beside it lets the other processes wait.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from filelock import FileLock

from snn_deploy.network.float_network import FloatNetwork, read_float_network
from snn_deploy.search.settings import Deployment, SearchSettings, longer, of_training
from snn_deploy.support.atomic_file import writing
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.combinations import least_epochs
from snn_deploy.train.config.read_config import changed_config
from snn_deploy.train.config.train_config import TrainConfig
from snn_deploy.train.run.checkpoint import checkpoint_digest
from snn_deploy.train.run.inheritance import Parent
from snn_deploy.train.run.loop import train
from snn_deploy.train.run.run_folder import RunFolder


def trained_network(settings: SearchSettings, deployment: Deployment, folder: Path) -> FloatNetwork:
    """Return the network of `deployment`, after training what is missing; a training that was stopped goes on."""
    return read_float_network(_run(settings, deployment, folder).float_network)


def config_of(settings: SearchSettings, deployment: Deployment) -> TrainConfig:
    """Return the config that its network is trained with; choices that make no sense together are a UserError."""
    assignments = [*(f"{key}={value}" for key, value in deployment.choices), f"steps={deployment.steps}"]
    if "steps" in settings.config["data"]:  # event data: as many frames
        assignments.append(f"data.steps={deployment.steps}")
    where = f"search, steps {deployment.steps}"
    config = changed_config(settings.config, assignments, where)
    if longer(settings, deployment) is None:
        return config
    needed = (config.quantization.epochs, *(least_epochs(loss.options) for loss in config.losses))
    epochs = max(settings.inherited_epochs, *needed)
    return changed_config(settings.config, [*assignments, f"training.epochs={epochs}", "ann_first.epochs=0"], where)


def _run(settings: SearchSettings, deployment: Deployment, folder: Path) -> RunFolder:
    name = f"{of_training(settings, deployment)}-steps{deployment.steps}"
    files = RunFolder(folder / "trained" / name)
    lock = files.path.parent / f"{name}.lock"
    more = longer(settings, deployment)
    with ExitStack() as held:
        with writing(lock):
            lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(lock))
        if not files.float_network.exists():
            config = config_of(settings, deployment)
            parent = None
            if more is not None:
                before = _run(settings, more, folder)
                digest = checkpoint_digest(before.checkpoint)
                parent = Parent(before.path, config_of(settings, more), digest)
            train(config, files.path, resume=True, parent=parent)
    return files


def trained_epochs(settings: SearchSettings, deployment: Deployment) -> int:
    """Return the epochs that led to its network: of its own training, and of those that it started from."""
    more = longer(settings, deployment)
    before = 0 if more is None else trained_epochs(settings, more)
    return before + config_of(settings, deployment).training.epochs


def trainings(settings: SearchSettings) -> int:
    """Return how many networks the whole space needs."""
    seen = {settings.deployment(chosen).without_export() for chosen in settings.deployments()}
    return len(seen)


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
