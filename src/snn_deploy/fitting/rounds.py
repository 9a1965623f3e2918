"""rounds: a trained network loses channels in rounds, with training between, until it takes no more than is wanted.

FIT/fit.json            the settings; a fit goes on only with the same ones
FIT/stage1, stage2, ... the stages (stage.py)

In each of the rounds the excess over what is wanted falls by the same part of what it was. What the last round ends
with is measured as it is exported; where it still takes too much, further rounds follow. A choice is a function of the
network before it alone, and is written before its training begins, so a fit that was stopped at any moment goes on as
if it had not been.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from snn_deploy.fitting import choose_channels, importance
from snn_deploy.fitting.accounting import Accounting
from snn_deploy.fitting.chain import layers_of
from snn_deploy.fitting.settings import FitSettings, begin
from snn_deploy.fitting.smaller_start import SmallerStart, trained_network
from snn_deploy.fitting.stage import Stage, accounting_of, finished_stage, read_choice, stage_config, write_choice
from snn_deploy.support.user_error import UserError
from snn_deploy.train.config.train_config import TIME_BASED, TrainConfig
from snn_deploy.train.data.samples import Samples
from snn_deploy.train.data.splits import training_and_validation
from snn_deploy.train.networks.network_plan import NetworkPlan
from snn_deploy.train.run.inheritance import Parent, read_parent
from snn_deploy.train.run.loop import Watcher, train
from snn_deploy.train.run.run_folder import RunFolder


def fitted(
    whole: Parent,
    settings: FitSettings,
    folder: Path,
    watcher: Watcher,
    ended: Callable[[Stage], None],
    *,
    resume: bool = False,
) -> tuple[Stage, ...]:
    """Return the stages of a fit in `folder`, that of the run `whole` first; the last is what it ends with.

    ended: called with every stage that is finished. resume: go on with the fit that is there. What makes no sense is a
    UserError before anything is written.
    """
    if whole.config.method == TIME_BASED:
        raise UserError("fit: the run was trained with method 'time-based'; only 'surrogate' is fitted.")
    samples = _samples(whole.config, settings.samples)
    plan = whole.config.model.options.plan(samples.shape, samples.classes)
    for is_last in (False, True):
        if is_last or settings.rounds > 1:
            stage_config(whole.config, settings, layers_of(plan), is_last=is_last)  # an error now, not hours later
    accounting = accounting_of(whole.folder, settings, samples)
    stages = [finished_stage(0, whole.folder, plan, accounting.measures())]
    begin(folder, settings, resume=resume)
    ended(stages[0])
    begun = stages[0].measures.excess(settings.targets)
    run = whole
    while stages[-1].measures.excess(settings.targets) > 0 or (0 < len(stages) <= settings.rounds and begun > 0):
        number = len(stages)
        allowed = begun * max(0.0, 1 - number / settings.rounds)
        here = folder / f"stage{number}"
        removed = read_choice(here, plan)
        if removed is None:
            removed = _choice(run, settings, plan, accounting, samples, allowed)
            if number > settings.rounds and not any(mask.any() for mask in removed.values()):
                break  # no channel that is left helps
            write_choice(here, removed)
        smaller = {name: int((~mask).sum()) for name, mask in removed.items()}
        config = stage_config(whole.config, settings, layers_of(plan, smaller), is_last=number >= settings.rounds)
        if not RunFolder(here).float_network.exists():
            train(config, here, watcher, resume=True, parent=SmallerStart(run, removed))
        run, plan = read_parent(here), config.model.options.plan(samples.shape, samples.classes)
        accounting = accounting_of(here, settings, samples)
        stages.append(finished_stage(number, here, plan, accounting.measures()))
        ended(stages[-1])
    return tuple(stages)


def _choice(
    run: Parent,
    settings: FitSettings,
    plan: NetworkPlan,
    accounting: Accounting,
    samples: Samples,
    allowed: float,
) -> dict[str, np.ndarray]:
    """Return the channels of `run`'s network that go, so that an excess of at most `allowed` is left."""
    network = trained_network(run, plan)
    if settings.criterion == "magnitude":
        return choose_channels.evenly(accounting, importance.magnitude(network), settings.targets, allowed)
    importances = importance.taylor(network, run.config, samples)
    return choose_channels.by_saving(accounting, importances, settings.targets, allowed)


def _samples(config: TrainConfig, count: int) -> Samples:
    """Return `count` of the training samples, drawn with the run's seed, as the network is shown them."""
    training, _ = training_and_validation(config.data.options, config.held_out.validation)
    training = training.first(config.training.samples)
    order = np.random.default_rng(config.seed).permutation(len(training.labels))[:count]
    return config.shown(training.chosen(np.sort(order)))
