"""What a ReLU network trained first is worth: from 6 to 4 to 2 steps, against training from scratch for as long.

    uv run python benchmarks/ann_first.py [--seeds 3] [--set KEY=VALUE ...] [--out runs/ann_first]

For every seed: a network of 6 steps that starts from its ReLU network, one of 4 steps that starts from that one, and
one of 2 from that one (Dspike Sec. 5.2 and 4.4). At each number of steps, a network from scratch gets as many epochs as
fit into the CPU time of everything that led to the other one, and a network is converted without training. Printed are
epochs, CPU seconds of training and test accuracies; what is finished is kept in OUT/results.json and not done again.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import snn_deploy as sd
from snn_deploy.train.run.loop import Watcher

RELU_EPOCHS, FIRST_EPOCHS, LATER_EPOCHS = 2, 2, 1
STEPS = (6, 4, 2)
LATER_RATE = 0.01  # of the networks that start from a trained spiking one
WAYS = ("ANN first", "from scratch", "converted")


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("examples/fashion_mnist.toml"))
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/ann_first"))
    chosen = parser.parse_args()
    short = ["training.samples=256", "training.epochs=1"]  # not timed: it compiles the kernels
    sd.train(chosen.config, out=chosen.out / "compiled", force=True, ann_first=True, changes=[*chosen.changes, *short])
    results = Results(chosen.out / "results.json")
    for seed in range(chosen.seeds):
        measure(chosen.config, [*chosen.changes, f"seed={seed}"], chosen.out / f"seed{seed}", results, seed)
    print("| steps | way | epochs (ReLU + spiking) | CPU seconds | test accuracy % |\n|---|---|---|---|---|")
    for steps in STEPS:
        for way in WAYS:
            rows = [results.of(seed, way, steps) for seed in range(chosen.seeds)]
            epochs = ", ".join(dict.fromkeys(row.epochs for row in rows))
            seconds = statistics.fmean(row.seconds for row in rows)
            print(f"| {steps} | {way} | {epochs} | {seconds:.0f} | {spread([100 * row.accuracy for row in rows])} |")


@dataclass(frozen=True)
class Row:
    """One network. epochs: of the ReLU network and the spiking ones that led to it. seconds: CPU time of all of them.

    epoch_seconds: CPU time of one spiking epoch and the evaluation behind it.
    """

    epochs: str
    seconds: float
    accuracy: float
    epoch_seconds: float


class Results:
    """The rows that were measured, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = json.loads(path.read_text()) if path.exists() else {}

    def of(self, seed: int, way: str, steps: int) -> Row:
        """Return a row that was measured."""
        return Row(**self._rows[f"{seed}/{way}/{steps}"])

    def measured(self, seed: int, way: str, steps: int, train: Callable[[], Row]) -> Row:
        """Return the row that `train` gives, or gave before."""
        key = f"{seed}/{way}/{steps}"
        if key not in self._rows:
            self._rows[key] = asdict(train())
            self._path.write_text(json.dumps(self._rows, indent=1))
            print(key, self._rows[key], flush=True)
        return self.of(seed, way, steps)


def measure(config: Path, changes: list[str], folder: Path, results: Results, seed: int) -> None:
    """Train what one seed needs."""
    relu = [f"ann_first.epochs={RELU_EPOCHS}"]
    earlier: Row | None = None
    for steps, longer in zip(STEPS, (None, *STEPS), strict=False):
        epochs = LATER_EPOCHS if longer else FIRST_EPOCHS
        own = [*changes, f"steps={steps}", f"training.epochs={epochs}"]
        own += [f"optimizer.learning_rate={LATER_RATE}"] if longer else relu
        parent = folder / f"first-{longer}" if longer else None
        said = f"{earlier.epochs} + {epochs}" if earlier else f"{RELU_EPOCHS} + {epochs}"
        spent = earlier.seconds if earlier else 0.0
        train = partial(trained, config, own, folder / f"first-{steps}", said, parent, spent)
        earlier = results.measured(seed, "ANN first", steps, train)
    for steps in STEPS:
        own, zero = [*changes, f"steps={steps}"], ["training.epochs=0", *relu]
        train = partial(trained, config, [*own, *zero], folder / f"converted-{steps}", f"{RELU_EPOCHS} + 0")
        results.measured(seed, "converted", steps, train)
        other = results.of(0, "ANN first", steps)  # the first seed's, so that all have as many epochs
        epochs = max(1, round(other.seconds / other.epoch_seconds))
        own += [f"training.epochs={epochs}"]
        train = partial(trained, config, own, folder / f"scratch-{steps}", f"0 + {epochs}")
        results.measured(seed, "from scratch", steps, train)


def trained(
    config: Path, changes: Sequence[str], folder: Path, epochs: str, parent: Path | None = None, spent: float = 0.0
) -> Row:
    """Return the row of a training. spent: the CPU seconds that led to its parent."""
    clock = Clock()
    run = sd.train(
        None if parent else config, out=folder, changes=changes, start_from=parent, force=True, watcher=clock.watcher
    )
    return Row(epochs, spent + time.process_time() - clock.start, run.accuracy, clock.epoch_seconds)


class Clock:
    """CPU seconds of a training."""

    def __init__(self) -> None:
        self.start = self._stage = time.process_time()
        self.epoch_seconds = 0.0
        self.watcher = Watcher(started=self._begin, epoch=self._end)

    def _begin(self, epochs: int) -> None:
        self._stage = time.process_time()

    def _end(self, metrics: Mapping[str, object]) -> None:
        self.epoch_seconds = (time.process_time() - self._stage) / int(str(metrics["epoch"]))


def spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation as text."""
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{deviation}"


if __name__ == "__main__":
    main()
