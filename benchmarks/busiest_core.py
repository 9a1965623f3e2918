"""What training for the busiest core does to a step on the chip, against the loss on all operations.

    uv run python benchmarks/busiest_core.py [--seeds 3] [--out runs/busiest_core]

For each seed a network is trained without a loss on operations and mapped, with the fewest cores and for latency; then
networks are trained from scratch with `busiest_core` on the loads of these two mappings and with `synaptic_operations`,
at several weights. Each is exported at 8 bits, mapped anew in both ways, and its step timed on 100 test images by the
profile of Loihi 2. Stopped, it goes on where it was.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import snn_deploy as sd
from snn_deploy.support.atomic_file import write_text
from snn_deploy.train.config.read_config import read_config
from snn_deploy.train.run.comparison import Job, run_job

CONFIG, CHIP, SAMPLES = Path("examples/fashion_mnist.toml"), "loihi2", 100
OPERATIONS, BUSIEST = (1.0, 2.0, 4.0), (0.5, 1.0, 2.0)
OBJECTIVES = ("cores", "latency")


def main() -> None:
    """Train, export, map and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/busiest_core"))
    chosen = parser.parse_args()
    rows: dict[str, list[dict[str, float]]] = {}
    for seed in range(chosen.seeds):
        for name, assignments in _variants(chosen.out, seed):
            config = read_config(CONFIG, ["data.validation=0", f"seed={seed}", *assignments])
            job = Job(name, seed, config, chosen.out / name / f"seed{seed}")
            outcome = run_job(job)
            if outcome.error:
                raise SystemExit(f"{job.folder}: {outcome.error}")
            rows.setdefault(name, []).append(_measured(job))
            print(name, seed, rows[name][-1], flush=True)
    titles = ("loss", "integers, %", *(f"{o}: {q}" for o in OBJECTIVES for q in ("cores", "ns a step")))
    print(f"\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for name, found in rows.items():
        cells = [_cell([100 * r["accuracy"] for r in found], ".2f")]
        for objective in OBJECTIVES:
            cells += [_cell([r[f"{objective}/{q}"] for r in found], ",.0f") for q in ("cores", "nanoseconds")]
        print(f"| {name} | {' | '.join(cells)} |")


def _variants(out: Path, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Yield variant -> assignments; those that need the loads of the first come after it."""
    yield "none", []
    for weight in OPERATIONS:
        yield f"operations-{weight:g}", [f"losses.synaptic_operations.weight={weight}"]
    for objective in OBJECTIVES:
        file = out / "none" / f"seed{seed}" / f"loads_{objective}.npz"
        for weight in BUSIEST:
            keys = {"file": file, "weight": weight}
            yield f"busiest-{objective}-{weight:g}", [f"losses.busiest_core.{k}={v}" for k, v in keys.items()]


def _measured(job: Job) -> dict[str, float]:
    """Return accuracy, cores and time of a step of an exported run, which are kept beside it, as its loads are."""
    kept = job.folder / "on_chip.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    exported = sd.export(job.folder, chip=CHIP)
    spikes = sd.run(exported.network, samples=SAMPLES, record=True)
    test = sd.run(exported.network)
    assert test.accuracy is not None  # the data set has labels
    found: dict[str, float] = {"accuracy": test.accuracy}
    for objective in OBJECTIVES:
        put = sd.place(exported.network, chip=CHIP, spikes=spikes, objective=objective)
        put.save_loads(job.folder / f"loads_{objective}.npz", samples=SAMPLES)
        found |= {f"{objective}/cores": put.cores, f"{objective}/nanoseconds": 1e9 * put.latency(spikes).step[1]}
    write_text(kept, json.dumps(found))
    return found


def _cell(values: list[float], form: str) -> str:
    deviation = f" ± {statistics.stdev(values):{form}}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):{form}}{deviation}"


if __name__ == "__main__":
    main()
