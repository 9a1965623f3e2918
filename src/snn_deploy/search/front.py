"""front: the Pareto-optimal deployments, each verified, as JSON and as a picture."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from snn_deploy.deploy.exits.exit_policy import read_exit_policy, require_same_network
from snn_deploy.deploy.verification.verify import verify
from snn_deploy.deploy.verification.verify_exits import verify_exits
from snn_deploy.network.integer_network import read_integer_network
from snn_deploy.search.point import Point, measured_accuracy, network_path
from snn_deploy.search.settings import MEASURES, Deployment, SearchSettings
from snn_deploy.search.stopping import FILE, stopped
from snn_deploy.search.trained import trained_epochs
from snn_deploy.support.atomic_file import write_files
from snn_deploy.train.data.samples import Samples

_DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Verified:
    """A point of the front. test_accuracy: of its integers, on test samples that nothing was chosen by, at their exits.

    epochs: of all trainings that led to it. verification: what was compared, in one line. identical: whether every
    spike is.
    """

    point: Point
    network: Path
    test_accuracy: float
    epochs: int
    identical: bool
    verification: str


def front(points: Sequence[Point], objectives: Sequence[str]) -> list[Point]:
    """Return the measured points that no other is at least as good as in all objectives and better in one.

    Sorted by the first objective, best first; of points that are equal in all, the first one tried.
    """
    costs: dict[tuple[float, ...], Point] = {}
    for found in points:
        if found.pruned is None:
            signs = (-1 if MEASURES[name][0] else 1 for name in objectives)
            costs.setdefault(tuple(s * found.measures[n] for s, n in zip(signs, objectives, strict=True)), found)
    best = {
        cost: found
        for cost, found in costs.items()
        if not any(other != cost and all(a <= b for a, b in zip(other, cost, strict=True)) for other in costs)
    }
    return [best[cost] for cost in sorted(best)]


def verified(
    settings: SearchSettings, found: Point, folder: Path, test: Samples, compared: int, backends: Sequence[str]
) -> Verified:
    """Return the point with its accuracy on `test`, after comparing every spike of `compared` samples on `backends`.

    Where samples stop early, the spikes of all their steps are compared, and again up to their exits.
    """
    path = network_path(folder, found.deployment)
    network = read_integer_network(path)
    epochs = trained_epochs(settings, found.deployment, folder)
    inputs = test.first(compared).shown
    result = verify(network, inputs, backends)
    if found.deployment.allowed_loss is None or not result.is_identical:
        accuracy, _, _ = measured_accuracy(network, test)
        return Verified(found, path, accuracy, epochs, result.is_identical, str(result).splitlines()[0])
    policy = read_exit_policy(path.with_name(FILE))
    require_same_network(policy, network, str(path.with_name(FILE)))
    early = verify_exits(network, inputs, policy, backends)
    accuracy = stopped(network, test, policy).accuracy
    return Verified(found, path, accuracy, epochs, early.is_identical, str(early).splitlines()[0])


def write_front(
    settings: SearchSettings, best: Sequence[Verified], points: Sequence[Point], folder: Path
) -> list[Path]:
    """Write front.json and front.png; return their paths."""
    plain = {"objectives": list(settings.objectives), "front": [as_json(v) for v in best],
             "tried": len(points), "pruned": [asdict(p) for p in points if p.pruned]}  # fmt: skip
    picture = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "snn-deploy"}):
        figure = _draw(settings, best, points)
        figure.savefig(picture, dpi=_DOTS_PER_INCH, format="png", metadata={"Software": None})
    text = json.dumps(plain, indent=1) + "\n"
    contents = {folder / "front.json": text.encode(), folder / "front.png": picture.getvalue()}
    write_files(contents)
    return list(contents)


def as_json(found: Verified) -> dict[str, Any]:
    """Return plain dictionaries and lists."""
    return {
        "deployment": asdict(found.point.deployment),
        "measures": dict(found.point.measures),
        "test_accuracy": found.test_accuracy,
        "epochs": found.epochs,
        "network": str(found.network),
        "identical": found.identical,
        "verification": found.verification,
    }


def _draw(settings: SearchSettings, best: Sequence[Verified], points: Sequence[Point]) -> Figure:
    """Return a panel for each objective against the first one."""
    first, *others = settings.objectives if len(settings.objectives) > 1 else (*settings.objectives, "operations")
    figure = Figure(figsize=(6.5, 4.2 * len(others)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(others)))
    measured = [p for p in points if p.pruned is None]
    chosen = [v.point for v in best]
    names = labels(chosen)
    for axes, other in zip(panels, others, strict=True):
        for group, style in (
            (measured, {"color": "#777777", "s": 18, "label": "tried"}),
            (chosen, {"color": "#D55E00", "s": 48, "marker": "D", "label": "Pareto front"}),
        ):
            axes.scatter(*(_in_units(group, name) for name in (other, first)), **style)
        axes.set(xlabel=_label(other), ylabel=_label(first))
        if len(settings.objectives) == 2:  # with more, the front is no line
            ordered = sorted(zip(_in_units(chosen, other), _in_units(chosen, first), strict=True))
            axes.step(*zip(*ordered, strict=True), where="post", color="#D55E00", linewidth=1, alpha=0.5)
        for p in chosen:
            where = (_in_units([p], other)[0], _in_units([p], first)[0])
            axes.annotate(names[p.deployment], where, (5, -10), textcoords="offset points", fontsize=7)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
    panels[0].set_title("Deployments that were tried, and the Pareto front")
    return figure


def labels(chosen: Sequence[Point]) -> dict[Deployment, str]:
    """Return what each deployment is called in the picture: steps and bits, and whatever else tells some apart."""
    words = {p.deployment: _words(p.deployment) for p in chosen}
    shared = set.intersection(*map(set, words.values())) if words else set()
    found = {}
    for p in chosen:
        d = p.deployment
        text = f"T {d.steps}, {d.weight_bits} bit"
        if d.allowed_loss is not None:
            text += f", {p.measures['mean_steps']:.2f} steps"
        if d.fitted_cores is not None:
            text += f", {p.measures['cores']:.0f} cores"
        if d.placed_for != "cores":
            text += f", for {d.placed_for}"
        found[d] = ", ".join((text, *(word for word in words[d] if word not in shared)))
    return found


def _words(deployment: Deployment) -> tuple[str, ...]:
    return deployment.profile, deployment.thresholds, *(f"{key}={value}" for key, value in deployment.choices)


def _in_units(points: Sequence[Point], measure: str) -> list[float]:
    return [p.measures[measure] / MEASURES[measure][2] for p in points]


def _label(measure: str) -> str:
    unit = MEASURES[measure][1]
    return f"{measure} a sample, {unit}" if measure in ("energy", "latency") else f"{measure} {unit}".strip()
