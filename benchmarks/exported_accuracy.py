"""What integers cost: the accuracy of exported networks on a whole test set, by weight bits and thresholds.

    uv run python benchmarks/exported_accuracy.py [--seeds 3] [--out runs/exported_accuracy]

Trains the config with every seed, in floats and once more for each kind of thresholds with its last epoch at 4 bits
(quantization-aware), exports each network, and runs the integers on every test image. Printed is the drop in points
against the accuracy of the same seed in floats; below zero is a gain. Stopped, it goes on where it was.
"""

import argparse
import statistics
from pathlib import Path

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.network.float_network import read_float_network
from snn_deploy.rounding.limits import Limits
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.run.comparison import Job, require_same_configs, run_jobs
from snn_deploy.train.run.run_folder import RunFolder

BITS = (8, 6, 5, 4, 3, 2)
THRESHOLDS = {"scalar": False, "per-channel": True}
TRAINED_BITS = 4


def main() -> None:
    """Train, export, run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("examples/fashion_mnist.toml"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/exported_accuracy"))
    chosen = parser.parse_args()
    jobs = _jobs(chosen.config, chosen.seeds, chosen.out)
    require_same_configs(jobs)
    for outcome in run_jobs(jobs, workers=1):
        if outcome.error:
            raise SystemExit(f"{outcome.job.folder}: {outcome.error}")
        print(f"{outcome.job.variant} seed {outcome.job.seed}: {100 * outcome.metrics['test_accuracy']:.2f} %")
    floats = [RunFolder(job.folder).read_metrics()[-1]["test_accuracy"] for job in jobs if job.variant == "float"]
    print(f"\nin floats {_cell([100 * value for value in floats])} %\n")
    print("| weight bits | scalar threshold | per-channel threshold |\n|---|---|---|")
    for bits in BITS:
        _print_row(str(bits), dict.fromkeys(THRESHOLDS, "float"), jobs, bits, floats)
    trained = {name: name for name in THRESHOLDS}
    _print_row(f"{TRAINED_BITS}, last epoch quantization-aware", trained, jobs, TRAINED_BITS, floats)


def _jobs(path: Path, seeds: int, out: Path) -> list[Job]:
    """Return the runs: every seed in floats, and quantization-aware with each kind of thresholds."""
    variants: dict[str, list[str]] = {"float": []}
    for name, per_channel in THRESHOLDS.items():
        keys = {"epochs": 1, "weight_bits": TRAINED_BITS, "per_channel": str(per_channel).lower()}
        variants[name] = [f"quantization.{key}={value}" for key, value in keys.items()]
    return [
        Job(variant, seed, read_config(path, [*assignments, f"seed={seed}"]), out / variant / f"seed{seed}")
        for variant, assignments in variants.items()
        for seed in range(seeds)
    ]


def _print_row(title: str, columns: dict[str, str], jobs: list[Job], bits: int, floats: list[float]) -> None:
    """Print one row of drops. columns: kind of thresholds -> the variant that is exported with it."""
    cells = []
    for thresholds, variant in columns.items():
        runs = [job for job in jobs if job.variant == variant]
        found = [_integer_accuracy(job, Limits(bits, THRESHOLDS[thresholds])) for job in runs]
        cells.append(_cell([100 * (there - here) for there, here in zip(floats, found, strict=True)]))
    print(f"| {title} | {' | '.join(cells)} |", flush=True)


def _integer_accuracy(job: Job, limits: Limits) -> float:
    network = to_integer_network(read_float_network(RunFolder(job.folder).float_network), limits).network
    test = job.config.data.options.load("test")
    return float((load_backend("cpu").run(network, test.inputs).classes == test.labels).mean())


def _cell(values: list[float]) -> str:
    return f"{statistics.fmean(values):.2f} ({', '.join(f'{value:.2f}' for value in values)})"


if __name__ == "__main__":
    main()
