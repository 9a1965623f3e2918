"""What early exits, fits and mappings give a search: the Pareto fronts of two searches with the same budget.

    uv run python benchmarks/search_fronts.py [--out FOLDER] [--samples 4000] [--trials 72] [--set KEY=VALUE]

Both try 72 deployments of examples/fashion_mnist.toml: three widths, 4 and 2 steps. One chooses among six numbers of
bits and both kinds of thresholds besides; the other has 8 bits and scalar thresholds, and chooses among early exits,
networks that were made to fit 3 cores, and mappings with the fewest cores or the shortest step. Their trainings have 15
and 27 epochs. Every point of both fronts is verified on reference, cpu and onnx, and the last of the second on Lava
where that is installed. Stopped, it goes on where it was.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

import snn_deploy as sd
from snn_deploy.api.search import SearchResult
from snn_deploy.support.user_error import UserError

CONFIG = Path("examples/fashion_mnist.toml")
LAYERS = ("16C3-P2-32C3-P2-10", "7C3-P2-14C3-P2-10", "3C3-P2-6C3-P2-10")
PLAIN, WITH = "bits and thresholds", "early exits, fits and mappings"
COLORS = {PLAIN: "#777777", WITH: "#D55E00"}


def main() -> None:
    """Search twice, print both fronts as tables, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/search_fronts"))
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--trials", type=int, default=72)
    parser.add_argument("--set", action="append", default=[], dest="changes")
    chosen = parser.parse_args()
    shared = {"changes": chosen.changes, "samples": chosen.samples, "inherited_epochs": 2, "steps": (4, 2)}
    shared |= {
        "objectives": ("accuracy", "energy", "latency"),
        "choices": {"model.layers": LAYERS},
        "resume": True,
        "trials": chosen.trials,
    }
    found = {
        PLAIN: sd.search(CONFIG, out=chosen.out / "plain", weight_bits=(8, 7, 6, 5, 4, 3), **shared),
        WITH: sd.search(
            CONFIG,
            out=chosen.out / "with",
            weight_bits=(8,),
            thresholds=("scalar",),
            allowed_losses=(None, 0.001, 0.005),
            fit_cores=(None, 3),
            placed_for=("cores", "latency"),
            **shared,
        ),
    }
    for name, result in found.items():
        _print_table(name, result)
    _draw(found).savefig(chosen.out / "fronts.png", dpi=110, metadata={"Software": None})
    print(f"wrote {chosen.out / 'fronts.png'}")
    _verify_on_lava(found[WITH])


def _print_table(name: str, result: SearchResult) -> None:
    print(f"\n{name}: {result.headline()}; every spike compared: {'identical' if result.is_identical else 'DIFFER'}\n")
    print("| accuracy, test % | validation % | energy, uJ | latency, us | cores | steps | bits | epochs | deployment |")
    print("|---|---|---|---|---|---|---|---|---|")
    for v in result.front:
        m, d = v.point.measures, v.point.deployment
        how = [layers for _, layers in d.choices]
        if d.fitted_cores is not None:
            how.append(f"made to fit {d.fitted_cores} cores")
        if d.allowed_loss is not None:
            how.append(f"exits, {100 * d.allowed_loss:g} points allowed")
        if d.placed_for == "latency":
            how.append("shortest step")
        cells = [f"{100 * v.test_accuracy:.2f}", f"{100 * m['accuracy']:.2f}", f"{1e6 * m['energy']:.3g}",
                 f"{1e6 * m['latency']:.4g}", m["cores"], f"{m['mean_steps']:.2f} of {d.steps}", d.weight_bits,
                 v.epochs, ", ".join(how) or "as trained"]  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |")


def _draw(found: dict[str, SearchResult]) -> Figure:
    """Return the test accuracy of both fronts against energy and latency; lines join what is best in these two."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    units = {
        "energy": "energy a sample on Loihi 2, upper estimate, uJ",
        "latency": "time of a sample on Loihi 2, upper estimate, us",
    }
    for axes, (measure, label) in zip(figure.subplots(1, 2, sharey=True), units.items(), strict=True):
        for name, result in found.items():
            points = [(1e6 * v.point.measures[measure], 100 * v.test_accuracy) for v in result.front]
            told = f"{name}: {len(result.front)} of {len(result.points)} deployments"
            axes.scatter(*zip(*points, strict=True), color=COLORS[name], s=28, alpha=0.7, label=told)
            axes.plot(*zip(*_best(points), strict=True), color=COLORS[name], linewidth=1, drawstyle="steps-post")
        axes.set(xscale="log", xlabel=label)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.3, which="both")
    figure.axes[0].set_ylabel("test accuracy, %")
    figure.axes[0].legend(loc="lower right")
    figure.suptitle("Pareto fronts in accuracy, energy and latency of two searches with the same budget")
    return figure


def _best(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points (cost, accuracy) that no cheaper one reaches, by rising cost."""
    best: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points):
        if not best or accuracy > best[-1][1]:
            best.append((cost, accuracy))
    return best


def _verify_on_lava(result: SearchResult) -> None:
    try:
        compared = sd.verify(result.front[-1].network, samples=1, backends=["reference", "lava"])
    except UserError as error:
        print(f"not compared on Lava: {error}")
    else:
        print(f"{result.front[-1].network} on Lava: {compared.headline()}")


if __name__ == "__main__":
    main()
