"""When the CPU simulator's event-driven sums are faster than its dense ones, and by how much.

    python benchmarks/event_path.py [--rounds 9] [--saccades]

One thread, CPU time; the paths take turns, the least of some rounds. First random spikes; with --saccades also the
frames of 64 test samples of the data set `saccades`, into layers of several widths.
"""

import argparse
import time

import numpy as np
import torch

from snn_deploy.deploy.backends._cpu.limits import SumBounds
from snn_deploy.deploy.backends._cpu.synapses import PATHS_PACKAGE, exact_and_single_threaded
from snn_deploy.network.integer_network import IntegerConnection
from snn_deploy.support.plugin import load_plugin
from snn_deploy.train.datasets.saccades import Dataset

# in, out channels and side of 3x3 convolutions; side 0 is a dense layer.
_LAYERS = (
    (64, 64, 14),
    (128, 128, 16),
    (128, 256, 16),
    (256, 256, 16),
    (512, 512, 8),
    (1024, 1024, 0),
    (2048, 2048, 0),
)
_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_PRINTED = (0.005, 0.01, 0.02, 0.05)
_DENSE = ("int8", "float32", "wide")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--saccades", action="store_true", help="Frames of the data set as well.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    with exact_and_single_threaded():
        ratios = " | ".join(f"at {share:.1%}" for share in _PRINTED)
        print(f"| layer | event is faster than int8 up to | than float32 | than float64 | times int8 {ratios} |")
        print("|" + "---|" * (4 + len(_PRINTED)))
        for inputs, out, side in _LAYERS:
            print(random_row(inputs, out, side, options.rounds, rng), flush=True)
        if options.saccades:
            of_saccades(options.rounds, rng)


def random_row(inputs: int, out: int, side: int, rounds: int, rng: np.random.Generator) -> str:
    """Return the row of one layer."""
    kernel, frames, padding = ((3, 3), 16, (1, 1)) if side else ((), 64, (0, 0))
    connection = connection_of(rng.integers(-127, 128, (out, inputs, *kernel)), padding=padding)
    shape = (side, side, inputs) if side else (inputs,)
    limits, times = dict.fromkeys(_DENSE, 0.0), {}
    for share in _SHARES:
        values = (rng.random((frames, *shape)) < share).astype(np.uint8)
        seconds = seconds_of(connection, (inputs, *shape[:-1]), values, rounds)
        limits = {n: share if seconds["event"] < seconds[n] else best for n, best in limits.items()}
        times[share] = seconds["int8"] / seconds["event"]
    title = f"{inputs} to {out}, {side} x {side}" if side else f"dense, {inputs} to {out}"
    cells = [f"{best:.1%}" if best else "never" for best in limits.values()]
    return f"| {title} | {' | '.join(cells + [f'{times[share]:.1f}' for share in _PRINTED])} |"


def of_saccades(rounds: int, rng: np.random.Generator) -> None:
    """Print the table of what the data set's own frames bring into its first layer."""
    frames = Dataset().load("test").inputs[:64].reshape(-1, 2, 32, 32)
    values = np.ascontiguousarray(np.moveaxis(frames, 1, -1))
    print(f"\nsaccades: {len(values)} frames, {values.mean():.2%} of the pixels are 1")
    print("| first layer | times int8 |\n|---|---|")
    for out in (16, 32, 64, 128):
        connection = connection_of(rng.integers(-127, 128, (out, 2, 5, 5)), padding=(2, 2), stride=(2, 2))
        seconds = seconds_of(connection, (2, 32, 32), values, rounds)
        print(f"| {out}C5S2 | {seconds['int8'] / seconds['event']:.1f} |", flush=True)


def connection_of(
    weights: np.ndarray, *, padding: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> IntegerConnection:
    """Return a connection of these weights."""
    return IntegerConnection("tried", "a", "b", weights, padding=padding, stride=stride)


def seconds_of(
    connection: IntegerConnection, source_shape: tuple[int, ...], values: np.ndarray, rounds: int
) -> dict[str, float]:
    """Return path -> the least CPU time of some deliveries of `values`, channels last; all sums are compared first."""
    largest = int(np.abs(connection.weights.astype(int)).reshape(len(connection.weights), -1).sum(axis=1).max())
    bounds = SumBounds(source_shape, 1, largest)
    plugins = {name: load_plugin(PATHS_PACKAGE, name) for name in ("event", *_DENSE)}
    paths = {n: plugin.Path(connection, connection.weights, bounds) for n, plugin in plugins.items()}
    expected = paths["wide"].deliver(values)
    for name, path in paths.items():
        assert np.array_equal(path.deliver(values), expected), name
    least = dict.fromkeys(paths, np.inf)
    for _ in range(rounds):
        for name, path in paths.items():
            begin = time.process_time()
            path.deliver(values)
            least[name] = min(least[name], time.process_time() - begin)
    return least


if __name__ == "__main__":
    main()
