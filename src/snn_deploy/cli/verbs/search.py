"""snn-deploy search: which steps, weight bits, thresholds, chip and network to deploy: a Pareto front of files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snn_deploy.cli.output import FAILED_CHECK, Output, verb
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    from snn_deploy.search.question import Question
    from snn_deploy.train.config.train_config import TrainConfig

_THRESHOLDS = ("scalar", "per-channel")
_BACKENDS = ("reference", "cpu", "onnx")


@click.command("search")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change one key of CONFIG for all.")
@click.option("--steps", help="Numbers of time steps to try, such as 8,4,2; default: CONFIG's, 3/4, 1/2 and 1/4 of it.")
@click.option("--weight-bits", default="8,6,5,4,3", show_default=True, help="Bits of a signed weight to try.")
@click.option("--thresholds", default="scalar,per-channel", show_default=True, help="Threshold modes to try.")
@click.option("--profiles", default="loihi1", show_default=True, help="Chips to try.")
@click.option(
    "--choose", "choices", multiple=True, metavar="KEY=A|B", help="Try values of a key of CONFIG: the norm, the width."
)
@click.option("--objectives", default="accuracy,energy", show_default=True, help="What is to be best, the first first.")
@click.option("--require", "requirements", multiple=True, metavar="LIMIT", help="'chips<=1', 'energy<=5uJ', ...")
@click.option("--trials", type=click.IntRange(min=1), default=60, show_default=True, help="Deployments to try.")
@click.option("--samples", type=click.IntRange(min=0), default=500, show_default=True, help="Test samples; 0 is all.")
@click.option("--inherited-epochs", type=click.IntRange(min=1), help="Of fewer steps; default: a quarter of CONFIG's.")
@click.option(
    "--verify", "verified", type=click.IntRange(min=1), default=5, show_default=True, help="Samples that verify each."
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes, a thread each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the choice of trials.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder; default runs/search-CONFIG.")
@click.option("--resume", is_flag=True, help="Go on with the search in --out.")
@verb
def command(
    output: Output,
    config: Path,
    assignments: tuple[str, ...],
    steps: str | None,
    weight_bits: str,
    thresholds: str,
    profiles: str,
    choices: tuple[str, ...],
    objectives: str,
    requirements: tuple[str, ...],
    trials: int,
    samples: int,
    inherited_epochs: int | None,
    verified: int,
    workers: int,
    seed: int,
    out: Path | None,
    resume: bool,
) -> int:
    """Find the deployments of CONFIG that no other one beats: each a network file whose spikes were compared.

    One network is trained for each value of --choose and the most steps; fewer steps start from it, and bits,
    thresholds and chips only export. Stopped, it goes on with --resume. Exit code 1 when a spike differs on the front
    or nothing keeps what is required. Energy and latency are the chip's, estimated, at most.

    \b
    Examples:
      snn-deploy search examples/digits.toml --workers 2 --require "chips<=1" --require "accuracy>=95"
      snn-deploy search examples/digits.toml --choose "norm.name=centered_tdbn|scale_tdbn" --objectives accuracy,latency
    """
    from snn_deploy.deploy.running.backend import load_backend  # noqa: PLC0415 - torch is slow to import
    from snn_deploy.search.question import Question, ask, read_requirement  # noqa: PLC0415
    from snn_deploy.search.study import Budget, search  # noqa: PLC0415
    from snn_deploy.search.trained import checked, trainings  # noqa: PLC0415
    from snn_deploy.train.config.read_config import read_config  # noqa: PLC0415

    settings = read_config(config, [*assignments, "training.threads=1"])
    question = Question(
        config=settings.table(),
        choices=_choices(choices),
        steps=_steps(steps, settings),
        weight_bits=_whole_numbers("--weight-bits", weight_bits),
        thresholds=_words("--thresholds", thresholds, _THRESHOLDS),
        profiles=_profiles(profiles),
        objectives=_objectives(objectives),
        requirements=tuple(read_requirement(text) for text in requirements),
        inherited_epochs=inherited_epochs or max(1, settings.training.epochs // 4),
        samples=samples,
        seed=seed,
    )
    _check_bits(question)
    checked(question)
    for backend in _BACKENDS:
        load_backend(backend)
    folder = out or Path("runs") / f"search-{config.stem}"
    ask(folder, question, resume=resume)
    trained, most = trainings(question), min(trials, question.size)
    output.say(f"{question.size} deployments, {trained} trained networks; up to {most} are tried, in {folder}")
    with output.progress("deployments", most) as advance:
        search(question, folder, Budget(trials, workers), advance)
    return _ended(output, question, folder, verified)


def _ended(output: Output, question: "Question", folder: Path, samples: int) -> int:
    from snn_deploy.cli.inputs import read_network, test_samples  # noqa: PLC0415
    from snn_deploy.search.front import as_json, front, verified, write_front  # noqa: PLC0415
    from snn_deploy.search.point import network_path  # noqa: PLC0415
    from snn_deploy.search.question import MEASURES, shown  # noqa: PLC0415
    from snn_deploy.search.study import points  # noqa: PLC0415

    tried = points(question, folder)
    pruned = [p for p in tried if p.pruned]
    best = []
    for found in front(tried, question.objectives):
        network = read_network(network_path(folder, found.deployment))
        chosen = test_samples(network.provenance, None, 0).first(samples)
        best.append(verified(found, folder, chosen.shown, _BACKENDS))
    written = write_front(question, best, tried, folder) if best else []
    keys = [key for key, _ in question.choices]
    output.table(
        [*MEASURES, "steps", "bits", "thresholds", "profile", *keys, "spikes", "file"],
        [
            (
                *(shown(m, v.point.measures[m]) for m in MEASURES),
                v.point.deployment.steps,
                v.point.deployment.weight_bits,
                v.point.deployment.thresholds,
                v.point.deployment.profile,
                *(value for _, value in v.point.deployment.choices),
                "identical" if v.identical else "DIFFER",
                v.network.parent.relative_to(folder),
            )
            for v in best
        ],
    )
    output.say(f"Pareto front of {len(tried)} deployments in {', '.join(question.objectives)}; {len(pruned)} pruned")
    for reason in sorted({p.pruned or "" for p in pruned})[:5]:
        output.say(f"  pruned: {reason}")
    output.say("energy and latency: estimates for the chip, at most. Accuracy is of the samples that the front was")
    output.say("chosen by, so a new sample is a little less often right.")
    for v in best:
        if not v.identical:
            output.say(f"{v.network}: {v.verification}")
    if best:
        output.say(f"every spike of {samples} samples was compared on {', '.join(_BACKENDS)}")
        output.say(f"go on with: snn-deploy report {best[0].network.parent}")
    else:
        output.say("nothing that was tried keeps what is required; try more steps, bits or channels, or require less.")
    for path in written:
        output.say(f"wrote {path}")
    output.result(
        {
            "out": str(folder),
            "tried": len(tried),
            "pruned": len(pruned),
            "objectives": list(question.objectives),
            "front": [as_json(v) for v in best],
        }
    )
    return 0 if best and all(v.identical for v in best) else FAILED_CHECK


def _choices(texts: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    from snn_deploy.search.question import require_distinct  # noqa: PLC0415

    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not key or key in found:
            raise UserError(f"--choose {text}; write KEY=A|B|C, each key once, such as 'norm.name=tdbn|scale_tdbn'.")
        if key == "steps":
            raise UserError("--choose steps; write --steps 8,4,2.")
        found[key] = tuple(value.strip() for value in values.split("|"))
        require_distinct(f"--choose {key}", found[key])
    return tuple(found.items())


def _steps(text: str | None, settings: "TrainConfig") -> tuple[int, ...]:
    whole = settings.steps
    if text is not None:
        return _whole_numbers("--steps", text)
    return tuple(sorted({max(1, whole * share // 4) for share in (4, 3, 2, 1)}, reverse=True))


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    from snn_deploy.search.question import require_distinct  # noqa: PLC0415

    try:
        values = tuple(int(word) for word in text.split(","))
    except ValueError:
        values = (0,)
    if min(values) < 1:
        raise UserError(f"{option} {text}; allowed are whole numbers from 1, such as 8,4,2.")
    require_distinct(option, values)
    return values


def _words(option: str, text: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    from snn_deploy.search.question import require_distinct  # noqa: PLC0415

    words = tuple(word.strip() for word in text.split(","))
    if not set(words) <= set(allowed):
        raise UserError(f"{option} {text}; allowed are {', '.join(allowed)}.")
    require_distinct(option, words)
    return words


def _objectives(text: str) -> tuple[str, ...]:
    from snn_deploy.search.question import MEASURES  # noqa: PLC0415

    return _words("--objectives", text, tuple(MEASURES))


def _profiles(text: str) -> tuple[str, ...]:
    from snn_deploy.search.question import require_distinct  # noqa: PLC0415

    names = tuple(name.strip() for name in text.split(","))
    require_distinct("--profiles", names)
    return names


def _check_bits(question: Any) -> None:
    """Raise a UserError for bits that a chip does not store, and for what is no chip."""
    from snn_deploy.export.chip.limits import limits_of  # noqa: PLC0415

    for profile in question.profiles:
        for bits in question.weight_bits:
            limits_of(profile, bits)
