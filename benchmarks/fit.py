"""What a network loses that is made to fit fewer cores: by fit, by magnitude pruning, and trained narrower.

    uv run python benchmarks/fit.py [CONFIG] [--cores 6 3] [--seeds 3] [--chip loihi2] [--set KEY=VALUE] [--out FOLDER]

For each seed the network of CONFIG is trained, and made to fit each number of cores with both criteria of `fit`. Beside
them stand networks trained from scratch, for as many epochs as the others had in all, the last with rounded weights:
the widest with all hidden layers alike narrower that fits, the layers that `fit` arrived at, and the whole network.
Every network is exported for the chip, all test samples run in its integers, and its spikes are compared on the
reference, cpu and onnx backends. What is in FOLDER already is read or gone on with; --ways says what is done, in order.
"""

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import snn_deploy as sd
from snn_deploy.api.train import TrainResult
from snn_deploy.fitting.chain import layers_of
from snn_deploy.fitting.settings import Criterion, Pruned
from snn_deploy.support.atomic_file import write_text
from snn_deploy.train.run.inheritance import read_parent

BACKENDS = ["reference", "cpu", "onnx"]


@dataclass(frozen=True)
class Point:
    """A network on the chip. accuracy: in integers, on all test samples. density: of weights that are not 0."""

    way: str
    layers: str
    cores: int
    accuracy: float
    identical: bool
    density: float


@dataclass(frozen=True)
class Budget:
    """Epochs: of the whole network, in each round, and with rounded weights at the end."""

    whole: int
    rounds: int
    epochs: int
    quantized: int

    @property
    def total(self) -> int:
        """All epochs that a fitted network had."""
        return self.whole + self.rounds * self.epochs + self.quantized


WAYS = ("fit", "magnitude", "narrower", "same layers", "whole")
PRUNED: tuple[Pruned, ...] = ("channels", "synapses")  # ways that are asked for by name: fits that take nothing else


def main() -> None:
    """Train, fit and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, nargs="?", default=Path("examples/fashion_mnist.toml"))
    parser.add_argument("--cores", type=int, nargs="+", default=[6, 3])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--chip", default="loihi2")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--quantized-epochs", type=int, default=1)
    parser.add_argument("--verify", type=int, default=5, help="samples on which spikes are compared")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=[*WAYS, *PRUNED])
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-fit"))
    chosen = parser.parse_args()
    found: dict[tuple[int, str], list[Point]] = {}
    for way in chosen.ways:
        for seed in range(chosen.seeds):
            for cores, point in _points(chosen, seed, way):
                points = found.setdefault((cores, point.way), [])
                if len(points) == seed:
                    points.append(point)
                    print(f"seed {seed}, {cores or 'all'} cores: {point}", flush=True)
        _print_table(found)


def _points(chosen: argparse.Namespace, seed: int, way: str) -> Iterator[tuple[int, Point]]:
    """Yield (cores that were asked for, point) of one seed; 0 is the whole network."""
    out, said = chosen.out / f"seed{seed}", [*chosen.changes, f"seed={seed}"]
    whole = _trained(chosen, said, out / "whole")
    epochs = int(str(whole.metrics[-1]["epochs"]))
    budget = Budget(epochs, chosen.rounds, chosen.epochs, chosen.quantized_epochs)
    as_long = [*said, f"training.epochs={budget.total}", f"quantization.epochs={budget.quantized}"]
    yield 0, _point(chosen, "whole", whole.folder)
    if way == "whole":
        yield 0, _point(chosen, "whole, trained as long", _trained(chosen, as_long, out / "whole_long").folder)
        return
    for cores in chosen.cores:
        here = out / f"cores{cores}"
        if way == "fit":
            yield cores, _point(chosen, "fit", _fitted(chosen, whole.folder, cores, "taylor", here / "fit"))
        elif way in PRUNED:
            run = _fitted(chosen, whole.folder, cores, "taylor", here / way, PRUNED[PRUNED.index(way)])
            yield cores, _point(chosen, f"fit, {way} only", run)
        elif way == "magnitude":
            fitted = _fitted(chosen, whole.folder, cores, "magnitude", here / "magnitude")
            yield cores, _point(chosen, "magnitude, all layers alike", fitted)
        elif way == "narrower":
            planned = sd.fit_before_training(chosen.config, chip=chosen.chip, cores=cores, changes=said)
            alike = next(change for change in planned.changes if len(change.channels) > 1)
            run = _trained(chosen, [*as_long, planned.words[alike.what]], here / "narrower").folder
            yield cores, _point(chosen, "narrower from scratch, all layers alike", run)
        else:
            layers = _layers(_fitted(chosen, whole.folder, cores, "taylor", here / "fit"))
            run = _trained(chosen, [*as_long, f"model.layers={layers}"], here / "same").folder
            yield cores, _point(chosen, "the layers of fit from scratch", run)


def _trained(chosen: argparse.Namespace, changes: Sequence[str], out: Path) -> TrainResult:
    is_finished = (out / "float_network.npz").exists()
    return TrainResult(out) if is_finished else sd.train(chosen.config, out=out, changes=changes, resume=True)


def _fitted(
    chosen: argparse.Namespace, whole: Path, cores: int, criterion: Criterion, out: Path, prune: Pruned = "both"
) -> Path:
    """Return the run that the fit ends with; one that has its point already is finished."""
    if (done := next(out.glob("stage*/point.json"), None)) is not None:
        return done.parent
    result = sd.fit(
        whole,
        chip=chosen.chip,
        cores=cores,
        rounds=chosen.rounds,
        epochs=chosen.epochs,
        quantized_epochs=chosen.quantized_epochs,
        criterion=criterion,
        prune=prune,
        verify_samples=chosen.verify,
        out=out,
        resume=True,
    )
    return result.stages[-1].folder


def _layers(run: Path) -> str:
    network, model = TrainResult(run).network, read_parent(run).config.model.options
    return layers_of(model.plan(network.input.shape, network.populations[-1].shape[0]))


def _point(chosen: argparse.Namespace, way: str, run: Path) -> Point:
    """Return the network of `run` in integers, on the chip; kept beside it, for the next call."""
    kept = run / "point.json"
    if kept.exists():
        return Point(**json.loads(kept.read_text()))
    exported = sd.export(run, chip=chosen.chip, measure=True)
    assert exported.accuracy is not None, run
    placed = sd.place(exported.network, chip=chosen.chip)
    compared = sd.verify(exported.network, backends=BACKENDS, samples=chosen.verify)
    identical, density = compared.is_identical, exported.network.density
    point = Point(way, _layers(run), placed.cores, exported.accuracy, identical, density)
    write_text(kept, json.dumps(asdict(point)))
    return point


def _print_table(found: dict[tuple[int, str], list[Point]]) -> None:
    whole = [p.accuracy for p in found[0, "whole"]]
    print("\n| cores allowed | network | layers | weights not 0 | cores | accuracy in integers | points | spikes |")
    print("|---|---|---|---|---|---|---|---|")
    for (cores, way), points in sorted(found.items(), key=lambda row: -row[0][0] if row[0][0] else -(2**31)):
        accuracies = [p.accuracy for p in points]
        lost = [100 * (a - b) for a, b in zip(accuracies, whole, strict=True)]
        cells = [
            cores or "all",
            way,
            ", ".join(dict.fromkeys(p.layers for p in points)),
            f"{100 * statistics.fmean(p.density for p in points):.0f} %",
            ", ".join(dict.fromkeys(str(p.cores) for p in points)),
            f"{_spread([100 * a for a in accuracies])} %",
            _spread(lost, sign="+"),
            "identical" if all(p.identical for p in points) else "DIFFER",
        ]
        print("| " + " | ".join(map(str, cells)) + " |")


def _spread(values: Sequence[float], sign: str = "") -> str:
    mean = f"{statistics.fmean(values):{sign}.2f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.2f}"


if __name__ == "__main__":
    main()
