"""snn-deploy run: an exported network on one backend."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from snn_deploy.cli.inputs import DATA_HELP, read_network, require_fit, test_samples
from snn_deploy.cli.output import INTERRUPTED, Output, percent, say_expected, verb
from snn_deploy.deploy.running.backend import Backend, automatic_backend, load_backend
from snn_deploy.deploy.running.simulation import Interrupted, Simulation
from snn_deploy.deploy.running.split_samples import Workers, require_splittable, run_split, workers_for
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.train.data.samples import Samples

if TYPE_CHECKING:
    from snn_deploy.deploy.mapping.cutting.split_network import Split  # imports scipy

_SHOWN = 5  # samples whose output potentials are printed for people; --json has all


@click.command("run")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backend",
    default="cpu",
    show_default=True,
    help="reference, cpu, lava, netx, onnx, loihi2, or auto: lava where it is installed, else cpu. "
    "cpu:int8, cpu:float32, cpu:event and cpu:wide force a way of adding wherever it is exact.",
)
@click.option("--data", help=DATA_HELP)
@click.option("--samples", default=0, show_default=True, help="How many test samples; 0 is all.")
@click.option("--placement", type=click.Path(path_type=Path), help="Run what each core of this placement holds.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes that share the samples. Default: as it is worth."
)
@click.option("--cluster", help="The address of a dask scheduler, whose workers share the samples.")
@click.option("--record", type=click.Path(path_type=Path), help="Write every spike and potential to this .h5 file.")
@click.option("--explain", is_flag=True, help="Say for each connection how the CPU simulator adds, and why so.")
@verb
def command(
    output: Output,
    network: Path,
    backend: str,
    data: str | None,
    samples: int,
    placement: Path | None,
    workers: int | None,
    cluster: str | None,
    record: Path | None,
    explain: bool,
) -> int:
    """Run NETWORK (network.npz or its folder) on a backend: accuracy, spikes, synaptic operations, outputs.

    Example: snn-deploy run runs/digits-seed0/loihi --backend lava --samples 20
    """
    integer = read_network(network)
    if backend == "auto":
        backend, reason = automatic_backend()
        output.say(reason)
    simulator = load_backend(backend)
    chosen = test_samples(integer.provenance, data, samples)
    require_fit(integer, chosen)
    split = None if placement is None else _split(output, integer, placement)
    run = integer if split is None else split.network
    paths = _explained(output, backend, simulator, run, chosen.shown) if explain else ()
    if record is not None:
        _require_recordable(record, backend, placement, workers, cluster)
        workers = 1
    sharing = _workers(backend, run, len(chosen.labels), workers, cluster, is_placed=split is not None)
    if sharing is None:
        say_expected(output, backend, run, len(chosen.labels))
    else:
        output.say(f"{len(chosen.labels)} samples shared by {cluster or f'{sharing.count} processes'}")
    is_interrupted = False
    try:
        with output.progress(f"{backend}", len(chosen.labels)) as advance:
            if record is not None:
                from snn_deploy.deploy.backends import cpu  # noqa: PLC0415 - only --record needs them
                from snn_deploy.deploy.running.recording import run_recorded  # noqa: PLC0415

                path = backend.partition(":")[2] or None
                simulation = run_recorded(run, chosen.shown, chosen.labels, record, cpu.prepared(run, path), advance)
            elif sharing is None:
                simulation = simulator.run(run, chosen.shown, record=split is not None, progress=advance)
            else:
                simulation = run_split(run, chosen.shown, backend, sharing, advance)
    except Interrupted as interrupt:
        if interrupt.simulation is None:
            raise
        simulation, is_interrupted = interrupt.simulation, True
        done = len(simulation.outputs)
        output.say(f"Interrupted: what follows is of the first {done} of {len(chosen.labels)} samples.")
        chosen = chosen.first(done)
    if record is not None:
        output.say(f"recording: {record}")
    if split is not None:
        simulation = split.simulation(simulation)
    result = summary(integer, chosen, simulation)
    output.say(
        f"{backend}: {percent(result['accuracy'])} of {len(chosen.labels)} samples right, {integer.steps} steps each"
    )
    output.table(
        ["population", "neurons", "spikes a sample", "spike rate"],
        [
            (p["population"], p["neurons"], f"{p['spikes']:.1f}", f"{p['spike_rate']:.4f}")
            for p in result["populations"]
        ],
    )
    output.table(
        ["connection", "synaptic operations a sample"],
        [(c["connection"], f"{c['synaptic_operations']:.1f}") for c in result["connections"]],
    )
    for i, potentials in enumerate(result["outputs"][:_SHOWN]):
        output.say(f"sample {i}: label {chosen.labels[i]}, outputs {' '.join(map(str, potentials))}")
    explained = {"paths": list(paths)} if explain else {}
    output.result({"backend": backend, "interrupted": is_interrupted, **result, **explained})
    return INTERRUPTED if is_interrupted else 0


def _workers(
    backend: str, network: IntegerNetwork, samples: int, workers: int | None, cluster: str | None, *, is_placed: bool
) -> Workers | None:
    """Return the processes that share the samples, or None where this one runs them all."""
    if workers is None and cluster is None:
        is_cpu = backend.partition(":")[0] == "cpu" and not is_placed
        count = workers_for(network, samples) if is_cpu else 1
        return Workers(count) if count > 1 else None
    if is_placed:
        raise UserError("--placement runs in one process; leave --workers and --cluster out.")
    require_splittable(backend)
    return None if workers == 1 and cluster is None else Workers(workers or 0, cluster)


def _require_recordable(
    record: Path, backend: str, placement: Path | None, workers: int | None, cluster: str | None
) -> None:
    from snn_deploy.deploy.running.recording import require_place  # noqa: PLC0415 - only --record needs it

    require_place(record)
    if backend.partition(":")[0] != "cpu" or placement is not None or workers not in (None, 1) or cluster is not None:
        raise UserError(
            "--record writes what the cpu backend does in one process; leave --backend, --placement, --workers and "
            "--cluster out."
        )


def _explained(
    output: Output, name: str, backend: Backend, network: IntegerNetwork, inputs: np.ndarray
) -> tuple[str, ...]:
    """Return what the backend says of its ways of adding, after saying it."""
    if not hasattr(backend, "explain"):
        raise UserError(f"--explain: backend {name!r} has nothing to explain; only cpu has several ways of adding.")
    lines: tuple[str, ...] = backend.explain(network, inputs)
    for line in lines:
        output.say(line)
    return lines


def _split(output: Output, network: IntegerNetwork, placement: Path) -> "Split":
    """Return the network as the cores of the file `placement` hold it."""
    from snn_deploy.deploy.mapping.cores.placement import read_placement  # noqa: PLC0415 - only --placement needs them
    from snn_deploy.deploy.mapping.cutting.split_placed import split_placed  # noqa: PLC0415

    split = split_placed(network, read_placement(placement))
    cores = len({part.core for part in split.parts})
    output.say(f"placed: {cores} cores, {len(split.network.connections)} connections to and between them")
    return split


def summary(network: IntegerNetwork, samples: Samples, simulation: Simulation) -> dict[str, Any]:
    """Return what a run measured, for people and for JSON: means per sample, rates per neuron and step."""
    populations = [
        {
            "population": p.name,
            "neurons": int(np.prod(p.shape)),
            "spikes": float(simulation.spike_counts[p.name].mean()),
            "spike_rate": float(simulation.spike_counts[p.name].mean() / np.prod(p.shape) / network.steps),
        }
        for p in network.populations
        if p.fires
    ]
    connections = [
        {"connection": c.name, "synaptic_operations": float(simulation.synaptic_operations[c.name].mean())}
        for c in network.connections
    ]
    return {
        "samples": len(samples.labels),
        "accuracy": float((simulation.classes == samples.labels).mean()),
        "populations": populations,
        "connections": connections,
        "outputs": simulation.outputs.tolist(),
    }
