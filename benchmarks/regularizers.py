"""What the regularizers do to a network in floats, after rounding and on the chip: three networks, equal budget.

    uv run python benchmarks/regularizers.py [--networks small ten_layers resnet20] [--seeds 3]
        [--variant NAME:KEY=VALUE,...] [--set KEY=VALUE] [--out runs/regularizers]

Trains each network with each variant and seed, exports it at 8, 4, 3 and 2 bits with a scalar threshold, and runs the
integers on every test image. Stopped, it goes on where it was: trainings and integer accuracies are kept in OUT.
"""

import argparse
import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.export.to_integer_network import to_integer_network
from snn_deploy.network.float_network import read_float_network
from snn_deploy.rounding.limits import Limits
from snn_deploy.support.atomic_file import write_text
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.run.comparison import Job, Outcome, require_same_configs, run_jobs
from snn_deploy.train.run.run_folder import RunFolder

BITS = (8, 4, 3, 2)
NETWORKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "small": ("examples/fashion_mnist.toml", ()),
    "ten_layers": ("examples/ten_layers.toml", ()),
    "resnet20": ("examples/ten_layers.toml", ("model.name=resnet20", "model.width=8", "training.epochs=6")),
}
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "operations": ("losses.synaptic_operations.weight=0.2",),
    "im": ("losses.im_loss.weight=0.1",),
    "im-channels": ("losses.im_loss.weight=0.1", "losses.im_loss.per_channel=true"),
    "im-channels-at-zero": (
        "losses.im_loss.weight=0.1",
        "losses.im_loss.per_channel=true",
        "losses.im_loss.target=0",
    ),
    "im-operations": ("losses.im_loss.weight=0.1", "losses.synaptic_operations.weight=0.2"),
    "rmp": ("losses.rmp_loss.weight=0.3", "losses.rmp_loss.end=1"),
    "rmp-operations": (
        "losses.rmp_loss.weight=0.3",
        "losses.rmp_loss.end=1",
        "losses.synaptic_operations.weight=0.2",
    ),
}


def main() -> None:
    """Train, export, run and print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/regularizers"))
    parser.add_argument("--variant", action="append", default=[], help="NAME:KEY=VALUE,... in place of all")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    chosen = parser.parse_args()
    variants = dict(map(_variant, chosen.variant)) or VARIANTS
    for network in chosen.networks:
        jobs = _jobs(network, variants, chosen.changes, chosen.seeds, chosen.out)
        require_same_configs(jobs)
        outcomes = []
        for outcome in run_jobs(jobs, workers=1):
            if outcome.error:
                raise SystemExit(f"{outcome.job.folder}: {outcome.error}")
            accuracy = 100 * outcome.metrics["test_accuracy"]
            print(f"{network} {outcome.job.variant} seed {outcome.job.seed}: {accuracy:.2f} %", flush=True)
            _integer_accuracies(outcome.job)
            outcomes.append(outcome)
        _print_table(network, variants, outcomes)


def _variant(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, assignments = text.partition(":")
    return name, tuple(filter(None, assignments.split(",")))


def _jobs(
    network: str, variants: Mapping[str, tuple[str, ...]], changes: list[str], seeds: int, out: Path
) -> list[Job]:
    path, own = NETWORKS[network]
    return [
        Job(
            variant,
            seed,
            read_config(path, [*own, "data.validation=0", *changes, *assignments, f"seed={seed}"]),
            out / network / variant / f"seed{seed}",
        )
        for variant, assignments in variants.items()
        for seed in range(seeds)
    ]


def _integer_accuracies(job: Job) -> dict[int, float]:
    """Return weight bits -> accuracy of the integers on the whole test set, which is kept beside the run."""
    file = job.folder / "integer_accuracy.json"
    if not file.exists():
        network, test = read_float_network(RunFolder(job.folder).float_network), job.config.data.options.load("test")
        found = {}
        for bits in BITS:
            integers = to_integer_network(network, Limits(bits, per_channel=False)).network
            found[bits] = float((load_backend("cpu").run(integers, test.inputs).classes == test.labels).mean())
        write_text(file, json.dumps(found))
    return {int(bits): accuracy for bits, accuracy in json.loads(file.read_text()).items()}


def _print_table(network: str, variants: Iterable[str], outcomes: list[Outcome]) -> None:
    print(f"\n| {network} | floats % | {' | '.join(f'{bits} bits' for bits in BITS)} | synaptic operations a sample |")
    print(f"|---|{'---|' * (len(BITS) + 2)}")
    for variant in variants:
        runs = [o for o in outcomes if o.job.variant == variant]
        integers = [_integer_accuracies(o.job) for o in runs]
        cells = [_cell([100 * o.metrics["test_accuracy"] for o in runs])]
        cells += [_cell([100 * found[bits] for found in integers]) for bits in BITS]
        cells.append(_cell([o.values()["synaptic_operations"] for o in runs], ",.0f"))
        print(f"| {variant} | {' | '.join(cells)} |")
    print(flush=True)


def _cell(values: list[float], form: str = ".2f") -> str:
    deviation = f" ± {statistics.stdev(values):{form}}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):{form}}{deviation}"


if __name__ == "__main__":
    main()
