"""rounds: a trained network loses channels and synapses in rounds, until it takes no more than is wanted.

FIT/fit.json            the settings; a fit goes on only with the same ones
FIT/stage1, stage2, ... the stages (stage.py)

Between the rounds it trains. In each of them the excess over what is wanted falls by the same part of what it was. What
the last round ends with is measured as it is exported; where it still takes too much, further rounds follow. A choice
is a function of the network before it alone, and is written before its training begins, so a fit that was stopped at
any moment goes on as if it had not been.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from snn_deploy.fitting import choose, importance
from snn_deploy.fitting.accounting import Accounting
from snn_deploy.fitting.chain import layers_of
from snn_deploy.fitting.parts import Channels, Part, Pruning, Synapses
from snn_deploy.fitting.settings import FitSettings, Pruned, begin
from snn_deploy.fitting.smaller_start import SmallerStart, trained_network
from snn_deploy.fitting.stage import Stage, accounting_of, finished_stage, read_choice, stage_config, write_choice
from snn_deploy.hardware_profiles.profile import HardwareProfile
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
    if whole.config.delays.kind != "none":
        raise UserError("fit: the run has learned delays, and only networks without them are fitted.")
    samples = _samples(whole.config, settings.samples)
    plan = whole.config.model.options.plan(samples.shape, samples.classes)
    for is_last in (False, True):
        if is_last or settings.rounds > 1:
            stage_config(whole.config, settings, layers_of(plan), is_last=is_last)  # an error now, not hours later
    accounting = accounting_of(whole.folder, settings, samples)
    may_lose = _may_lose(settings, accounting.chip)
    stages = [finished_stage(0, whole.folder, plan, accounting)]
    begin(folder, settings, resume=resume)
    ended(stages[0])
    begun = stages[0].measures.excess(settings.targets)
    run = whole
    while stages[-1].measures.excess(settings.targets) > 0 or (0 < len(stages) <= settings.rounds and begun > 0):
        number = len(stages)
        allowed = begun * max(0.0, 1 - number / settings.rounds)
        here = folder / f"stage{number}"
        pruned = read_choice(here, plan)
        if pruned is None:
            pruned = _choice(run, settings, may_lose, plan, accounting, samples, allowed)
            if number > settings.rounds and pruned.is_nothing:
                break  # nothing that is left helps
            write_choice(here, pruned)
        smaller = {name: int((~mask).sum()) for name, mask in pruned.channels.items()}
        config = stage_config(
            whole.config,
            settings,
            layers_of(plan, smaller),
            is_last=number >= settings.rounds,
            keeps_zeros=bool(pruned.shares) or run.config.training.keeps_zeros,
        )
        if not RunFolder(here).float_network.exists():
            train(config, here, watcher, resume=True, parent=SmallerStart(run, pruned))
        run, plan = read_parent(here), config.model.options.plan(samples.shape, samples.classes)
        accounting = accounting_of(here, settings, samples)
        stages.append(finished_stage(number, here, plan, accounting))
        ended(stages[-1])
    return tuple(stages)


def _may_lose(settings: FitSettings, chip: HardwareProfile) -> frozenset[Pruned]:
    """Return what may go: of "both", synapses only on a chip that stores those alone that there are."""
    is_sparse = chip.find("core.synapse_memory_words") is not None
    if settings.prune == "synapses" and not is_sparse:
        raise UserError(
            f"--prune synapses: as far as is known, {chip.name} stores a weight of 0 like any other, so it would save "
            "nothing. Leave it out, or choose a chip with sparse lists of synapses, such as loihi1."
        )
    if settings.prune != "both":
        return frozenset({settings.prune})
    return frozenset({"channels", "synapses"} if is_sparse and settings.criterion == "taylor" else {"channels"})


def _choice(
    run: Parent,
    settings: FitSettings,
    may_lose: frozenset[Pruned],
    plan: NetworkPlan,
    accounting: Accounting,
    samples: Samples,
    allowed: float,
) -> Pruning:
    """Return what of `run`'s network goes, so that an excess of at most `allowed` is left."""
    network = trained_network(run, plan)
    if settings.criterion == "magnitude":
        alike = {name: Channels(sizes) for name, sizes in importance.magnitude(network).items()}
        return choose.evenly(accounting, alike, settings.targets, allowed)
    parts: dict[str, Part] = {}
    if "channels" in may_lose:
        found = importance.taylor(network, run.config, samples)
        parts |= {name: Channels(values) for name, values in found.items()}
    if "synapses" in may_lose:
        sizes = importance.synapse_sizes(network)
        change = importance.synapse_changes(network, run.config, samples, sizes)
        parts |= {name: Synapses(values, partial(change, name)) for name, values in sizes.items()}
    return choose.by_saving(accounting, parts, settings.targets, allowed)


def _samples(config: TrainConfig, count: int) -> Samples:
    """Return `count` of the training samples, drawn with the run's seed, as the network is shown them."""
    training, _ = training_and_validation(config.data.options, config.held_out.validation)
    training = training.first(config.training.samples)
    order = np.random.default_rng(config.seed).permutation(len(training.labels))[:count]
    return config.shown(training.chosen(np.sort(order)))
