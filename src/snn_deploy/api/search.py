"""search: the Pareto-optimal deployments of a config: steps, weight bits, thresholds, chips and keys of the config."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from snn_deploy.api.sources import DEFAULT_CHIP
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.export.chip.limits import limits_of
from snn_deploy.hardware_profiles.model_error import error_line
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.search.front import Verified, as_json, front, verified, write_front
from snn_deploy.search.point import Point
from snn_deploy.search.settings import (
    MEASURES,
    PLACED_FOR,
    SETTINGS,
    SearchSettings,
    begin,
    read_requirement,
    require_distinct,
    shown,
)
from snn_deploy.search.study import Budget, points
from snn_deploy.search.study import search as searched
from snn_deploy.search.trained import checked, config_of, trainings
from snn_deploy.support.counted import counted
from snn_deploy.support.one_writer import one_writer
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.stopped import kept_when_stopped
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.config.train_config import TIME_BASED, TrainConfig

_THRESHOLDS = ("scalar", "per-channel")
_BACKENDS = ("reference", "cpu", "onnx")


@dataclass(frozen=True, repr=False)
class SearchResult(Result):
    """What a search found in `folder`. front: the Pareto-optimal deployments; points: every one that was tried.

    verified_samples: on how many samples every spike of the front was compared. files: the front as JSON and picture.
    is_interrupted: whether it was stopped before it had tried all that it was asked to.
    """

    folder: Path
    settings: SearchSettings
    front: tuple[Verified, ...]
    points: tuple[Point, ...]
    verified_samples: int
    files: tuple[Path, ...]
    is_interrupted: bool = False

    @property
    def pruned(self) -> tuple[Point, ...]:
        """The points that broke a requirement or did not fit, with their reasons."""
        return tuple(p for p in self.points if p.pruned)

    @property
    def is_identical(self) -> bool:
        """Whether there is a front, and every spike on it is the same on all backends."""
        return bool(self.front) and all(v.identical for v in self.front)

    def headline(self) -> str:
        """Return how many points the front has."""
        return f"{len(self.front)} Pareto-optimal of {counted(len(self.points), 'deployment')}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the front as a table, why points were pruned, and what to do next."""
        keys = [key for key, _ in self.settings.choices]
        has_exits = self.settings.allowed_losses != (None,)
        exits = ("allowed loss",) if has_exits else ()
        has_fits = self.settings.fitted_cores != (None,)
        fits = ("fit to cores",) if has_fits else ()
        has_placements = self.settings.placed_for != ("cores",)
        placements = ("placed for",) if has_placements else ()
        rows = tuple(
            (
                *(shown(m, v.point.measures[m]) for m in MEASURES),
                f"{100 * v.test_accuracy:.2f} %",
                v.point.deployment.steps,
                v.epochs,
                v.point.deployment.weight_bits,
                v.point.deployment.thresholds,
                *((_points(v.point.deployment.allowed_loss),) if has_exits else ()),
                *((_listed([v.point.deployment.fitted_cores or "none"]),) if has_fits else ()),
                *((v.point.deployment.placed_for,) if has_placements else ()),
                v.point.deployment.profile,
                *(value for _, value in v.point.deployment.choices),
                "identical" if v.identical else "DIFFER",
                v.network.parent.relative_to(self.folder),
            )
            for v in self.front
        )
        objectives = ", ".join(self.settings.objectives)
        reasons = sorted({p.pruned or "" for p in self.pruned})[:5]
        ended: tuple[str, ...]
        if self.front:
            ended = (
                f"every spike of {counted(self.verified_samples, 'sample')} was compared on {', '.join(_BACKENDS)}",
                f"go on with: snn-deploy report {self.front[0].network.parent}",
            )
        else:
            ended = (
                "nothing that was tried keeps what is required; try more steps, bits or channels, or require less.",
            )
        return (
            Table(
                (
                    *MEASURES,
                    "test",
                    "steps",
                    "epochs",
                    "bits",
                    "thresholds",
                    *exits,
                    *fits,
                    *placements,
                    "profile",
                    *keys,
                    "spikes",
                    "file",
                ),
                rows,
            ),
            f"Pareto front of {counted(len(self.points), 'deployment')} in {objectives}; {len(self.pruned)} pruned",
            *(f"  pruned: {reason}" for reason in reasons),
            "energy and latency: the highest estimate for the chip. accuracy: on validation samples, which the front "
            "was chosen by; test: on test samples, looked at once.",
            *(("allowed loss: of early exits; then all but cores and chips is up to the exits.",) if has_exits else ()),
            *self._unequal_training(),
            *self._model_errors(),
            *(f"{v.network}: {v.verification}" for v in self.front if not v.identical),
            *ended,
            *(f"wrote {path}" for path in self.files),
        )

    def _unequal_training(self) -> tuple[str, ...]:
        """Return a line where networks that stand side by side were not trained for as many epochs."""
        epochs = {v.epochs for v in self.front}
        told = (
            "epochs: of the trainings that led to a network, which differ: fewer steps start from the network of more, "
            "and one that is made to fit from the whole one."
        )
        return (told,) if len(epochs) > 1 else ()

    def _model_errors(self) -> tuple[str, ...]:
        """Return how far the models of the chips on the front were off where they could be compared."""
        chips = dict.fromkeys(v.point.deployment.profile for v in self.front)
        quantities = ("cores", "dynamic_energy", "step_time")
        return tuple(f"{chip}, {error_line(load_profile(chip), what)}" for chip in chips for what in quantities)

    def to_dict(self) -> dict[str, object]:
        """Return the front with every measure and file."""
        return {
            "out": str(self.folder),
            "interrupted": self.is_interrupted,
            "tried": len(self.points),
            "pruned": len(self.pruned),
            "objectives": list(self.settings.objectives),
            "front": [as_json(v) for v in self.front],
            "model_errors": list(self._model_errors()),
        }


def search(
    config: str | Path,
    *,
    changes: Sequence[str] = (),
    steps: Sequence[int] | None = None,
    weight_bits: Sequence[int] = (8, 6, 5, 4, 3),
    thresholds: Sequence[str] = _THRESHOLDS,
    chips: Sequence[str] = (DEFAULT_CHIP,),
    allowed_losses: Sequence[float | None] = (None,),
    fit_cores: Sequence[int | None] = (None,),
    placed_for: Sequence[str] = ("cores",),
    choices: Mapping[str, Sequence[str]] | None = None,
    objectives: Sequence[str] = ("accuracy", "energy"),
    require: Sequence[str] = (),
    trials: int = 60,
    samples: int = 500,
    inherited_epochs: int | None = None,
    verify: int = 5,
    workers: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    watch: Watch = SILENT,
) -> SearchResult:
    """Return the Pareto-optimal deployments of `config`, each a network file whose spikes were compared.

    Parameters
    ----------
    config
        The path of a TOML file.
    changes
        Assignments such as "training.epochs=5" for all.
    steps, weight_bits, thresholds, chips, choices
        What is tried: time steps (None: the config's, 3/4, 1/2 and 1/4 of it), bits of a signed weight, "scalar" and
        "per-channel" thresholds, hardware profiles, and values of keys of the config.
    allowed_losses
        Early exits to try (see sd.exits): the shares of the accuracy that stopping may cost, and None for no exits. All
        measures of a deployment with exits but cores and chips are up to them.
    fit_cores
        Numbers of cores to make networks fit (see sd.fit; one round of `inherited_epochs`), and None for networks as
        they were trained.
    placed_for
        "cores": on the fewest; "latency": in the mapping with the shortest step (see sd.place). Energy, latency, cores
        and chips are of that mapping.
    objectives
        Of accuracy, energy, latency, cores, chips, operations, mean_steps; the first is the most important.
    require
        Limits such as "chips<=1", "energy<=5uJ", "accuracy>=95"; what breaks one is pruned.
    trials
        Deployments to try; those of earlier calls count.
    samples
        Validation samples that each is measured on, and test samples that the front is; 0 is all.
    inherited_epochs
        Epochs of the trainings that start from a trained network: those with fewer steps and those of fits; None is a
        quarter of the config's.
        Where rmp_loss or quantization needs more, it is as many.
    verify
        Samples that verify each point of the front on reference, cpu and onnx.
    workers
        Processes, a thread each.
    seed
        Of the choice of trials.
    out
        The folder; None is runs/search-CONFIG. `resume` goes on with the search in it.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For a space, objective or limit that makes no sense, or a folder that holds another search, or that another
        process writes to.
    KeyboardInterrupt
        When it is interrupted before the first deployment is tried; later, what was found so far is returned.
    """
    base = read_config(Path(config), [*changes, "training.threads=1"])
    if getattr(base.data.options, "gives_values", False):
        raise UserError(
            f"search: weighs accuracy, and data.name {base.data.name!r} has values instead of classes. Compare "
            "variants of the config with compare."
        )
    settings = _settings(
        base,
        steps=steps,
        weight_bits=weight_bits,
        thresholds=thresholds,
        chips=chips,
        allowed_losses=allowed_losses,
        fit_cores=fit_cores,
        placed_for=placed_for,
        choices=choices or {},
        objectives=objectives,
        require=require,
        inherited_epochs=inherited_epochs,
        samples=samples,
        seed=seed,
    )
    folder = Path(out) if out is not None else Path("runs") / f"search-{Path(config).stem}"
    go_on = f"{folder} holds the search so far. Go on with the same command and --resume."
    with kept_when_stopped(lambda: go_on if (folder / SETTINGS).exists() else None), one_writer(folder):
        return _found(settings, folder, trials=trials, workers=workers, verify=verify, resume=resume, watch=watch)


def _found(
    settings: SearchSettings, folder: Path, *, trials: int, workers: int, verify: int, resume: bool, watch: Watch
) -> SearchResult:
    """Return what the search in `folder` has found after going on with it."""
    begin(folder, settings, resume=resume)
    most = min(trials, settings.size)
    watch.say(
        f"{counted(settings.size, 'deployment')}, {counted(trainings(settings), 'trained network')}; "
        f"up to {most} are tried, in {folder}"
    )
    is_interrupted = False
    try:
        with watch.progress("deployments", most) as advance:
            searched(settings, folder, Budget(trials, workers), advance)
        tried = points(settings, folder)
    except KeyboardInterrupt:
        tried = points(settings, folder)
        if not tried:
            raise
        is_interrupted = True
        watch.say(
            f"Interrupted: what follows is of {len(tried)} of {counted(most, 'deployment')}. Go on with --resume."
        )
    best = []
    for found in front(tried, settings.objectives):
        training = config_of(settings, found.deployment)
        test = training.shown(training.data.options.load("test").first(settings.samples))
        best.append(verified(settings, found, folder, test, verify, _BACKENDS))
    written = write_front(settings, best, tried, folder) if best else []
    return SearchResult(folder, settings, tuple(best), tuple(tried), verify, tuple(written), is_interrupted)


def _settings(
    config: TrainConfig,
    *,
    steps: Sequence[int] | None,
    weight_bits: Sequence[int],
    thresholds: Sequence[str],
    chips: Sequence[str],
    allowed_losses: Sequence[float | None],
    fit_cores: Sequence[int | None],
    placed_for: Sequence[str],
    choices: Mapping[str, Sequence[str]],
    objectives: Sequence[str],
    require: Sequence[str],
    inherited_epochs: int | None,
    samples: int,
    seed: int,
) -> SearchSettings:
    """Return what is searched; whatever could not be tried is a UserError now, not in the middle of the search."""
    if steps is None:
        steps = sorted({max(1, config.steps * share // 4) for share in (4, 3, 2, 1)}, reverse=True)
    _require_from_one("--steps", steps)
    _require_from_one("--weight-bits", weight_bits)
    _require_known("--thresholds", thresholds, _THRESHOLDS)
    _require_known("--objectives", objectives, tuple(MEASURES))
    _require_known("--for", placed_for, PLACED_FOR)
    require_distinct("--profiles", chips)
    require_distinct("--allowed-losses", [_points(loss) for loss in allowed_losses])
    for loss in allowed_losses:
        if loss is not None and not 0 <= loss < 1:
            raise UserError(f"--allowed-losses: {loss}; allowed are None and shares from 0, below 1.")
    require_distinct("--fit-cores", fit_cores)
    if not all(cores is None or cores >= 1 for cores in fit_cores):
        raise UserError(f"--fit-cores {_listed(fit_cores)}; allowed are None and whole numbers from 1, such as 6,3.")
    if config.method == TIME_BASED and any(cores is not None for cores in fit_cores):
        raise UserError("--fit-cores: method is 'time-based', and only networks of 'surrogate' are made to fit.")
    for key, values in choices.items():
        if key == "steps":
            raise UserError("--choose steps; write --steps 8,4,2.")
        require_distinct(f"--choose {key}", values)
    settings = SearchSettings(
        config=config.table(),
        choices=tuple((key, tuple(values)) for key, values in choices.items()),
        steps=tuple(steps),
        weight_bits=tuple(weight_bits),
        thresholds=tuple(thresholds),
        profiles=tuple(chips),
        objectives=tuple(objectives),
        requirements=tuple(read_requirement(text) for text in require),
        inherited_epochs=inherited_epochs or max(1, config.training.epochs // 4),
        samples=samples,
        seed=seed,
        allowed_losses=tuple(None if loss is None else float(loss) for loss in allowed_losses),
        fitted_cores=tuple(fit_cores),
        placed_for=tuple(placed_for),
    )
    for chip in settings.profiles:  # bits that it does not store, and what is no chip
        for bits in settings.weight_bits:
            limits_of(load_profile(chip), bits)
    checked(settings)
    for backend in _BACKENDS:
        load_backend(backend)
    return settings


def _points(allowed_loss: float | None) -> str:
    """Return an allowed loss for people, in points of accuracy."""
    return "none" if allowed_loss is None else f"{100 * allowed_loss:g}"


def _require_from_one(option: str, values: Sequence[int]) -> None:
    if not all(value >= 1 for value in values):
        raise UserError(f"{option} {_listed(values)}; allowed are whole numbers from 1, such as 8,4,2.")
    require_distinct(option, values)


def _require_known(option: str, words: Sequence[str], allowed: Sequence[str]) -> None:
    if not set(words) <= set(allowed):
        raise UserError(f"{option} {_listed(words)}; allowed are {', '.join(allowed)}.")
    require_distinct(option, words)


def _listed(values: Sequence[object]) -> str:
    return ",".join(map(str, values))
