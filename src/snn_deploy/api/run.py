"""run: what an exported network does with samples, on one backend: classes, spikes, synaptic operations."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snn_deploy.api.exits import Exits, policy_for
from snn_deploy.api.sources import Chosen, Data, Network, choose, integer_network, value_errors_of
from snn_deploy.deploy.exits.exit_policy import ExitPolicy
from snn_deploy.deploy.exits.run_with_exits import run_with_exits
from snn_deploy.deploy.exits.step_spread import StepSpread
from snn_deploy.deploy.mapping.cores.placement import Placement, read_placement
from snn_deploy.deploy.running.backend import automatic_backend, load_backend, say_expected
from snn_deploy.deploy.running.memory import require_memory
from snn_deploy.deploy.running.recording import require_place, run_recorded
from snn_deploy.deploy.running.simulation import Interrupted, Simulation
from snn_deploy.deploy.running.split_samples import Workers, require_splittable, run_split, workers_for
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_errors import ValueErrors
from snn_deploy.network.value_reading import read_values
from snn_deploy.support.counted import counted
from snn_deploy.support.result import Block, Result, Table
from snn_deploy.support.user_error import UserError
from snn_deploy.support.watch import SILENT, Watch

if TYPE_CHECKING:
    from snn_deploy.deploy.mapping.cutting.split_network import Split  # imports scipy

_MANY_OUTPUTS, _HIGHEST = 20, 5  # beyond so many outputs, only the highest are printed
_SHOWN = 5  # samples whose output potentials are printed for people; to_dict has all


@dataclass(frozen=True, repr=False)
class RunResult(Result):
    """What a network did with some samples on one backend.

    simulation: everything that the backend gave back, with every spike where these were recorded. labels: (samples,),
    of a network that gives values (samples, steps, values), or None. is_interrupted: whether samples are missing
    because the run was interrupted. paths: one line for each connection that says how the CPU simulator adds, where
    that was asked for. recording: the HDF5 file, or None. exit_steps: (samples,), the step in which each sample
    stopped, from 1, where they stop early; all counts are up to there. None where all took every step.
    """

    network: IntegerNetwork
    backend: str
    simulation: Simulation
    labels: np.ndarray | None
    is_interrupted: bool = False
    paths: tuple[str, ...] = ()
    recording: Path | None = None
    exit_steps: np.ndarray | None = None

    @property
    def steps(self) -> float:
        """Steps of a sample, the mean over the samples."""
        return self.network.steps if self.exit_steps is None else float(self.exit_steps.mean())

    @property
    def classes(self) -> np.ndarray:
        """The class of each sample: the first of the largest outputs, int64 (samples,)."""
        return self.simulation.classes

    @property
    def outputs(self) -> np.ndarray:
        """(samples, classes): output potentials after the last step in 1/64 of a weight step, or spike counts."""
        return self.simulation.outputs

    @property
    def accuracy(self) -> float | None:
        """The share of samples whose class is their label; None without labels, and where the network gives values."""
        is_known = self.labels is not None and self.values is None
        return float((self.classes == self.labels).mean()) if is_known else None

    @property
    def values(self) -> np.ndarray | None:
        """float64 (samples, readings, values), what was read in the signal's unit; None where it gives classes."""
        read = self.simulation.outputs_by_step
        return None if read is None else read_values(self.network, read)

    @property
    def errors(self) -> ValueErrors | None:
        """How far these values are from the labels; None without labels, and where the network gives classes."""
        read = self.simulation.outputs_by_step
        return None if read is None else value_errors_of(self.network, read, self.labels)

    @property
    def rates(self) -> dict[str, float]:
        """Population -> spikes per neuron and step, the mean over the samples."""
        places = {p.name: np.prod(p.shape) * self.steps for p in self.network.populations if p.fires}
        return {name: float(self.simulation.spike_counts[name].mean() / n) for name, n in places.items()}

    @property
    def operations(self) -> dict[str, float]:
        """Connection -> synaptic operations of a sample, the mean over the samples."""
        return {c.name: float(self.simulation.synaptic_operations[c.name].mean()) for c in self.network.connections}

    def headline(self) -> str:
        """Return backend, samples and accuracy, or how far the values are from those that were wanted."""
        if self.errors is not None:
            return f"{self.backend}: {self.errors}, {counted(len(self.outputs), 'sample')}"
        right = "" if self.accuracy is None else f"{100 * self.accuracy:.2f} % of "
        return f"{self.backend}: {right}{counted(len(self.outputs), 'sample')}{' right' if right else ''}"

    def blocks(self) -> tuple[Block, ...]:
        """Return the score, spikes of each population, operations of each connection, and the first outputs."""
        recorded = () if self.recording is None else (f"recording: {self.recording}",)
        counts = self.simulation.spike_counts
        populations = tuple(
            (p.name, f"{np.prod(p.shape):,}", f"{counts[p.name].mean():,.1f}", f"{self.rates[p.name]:.4f}")
            for p in self.network.populations
            if p.fires
        )
        return (
            *recorded,
            f"{self.headline()}, {self._steps()}",
            Table(("population", "neurons", "spikes a sample", "spike rate"), populations),
            Table(
                ("connection", "synaptic operations a sample"),
                tuple((name, f"{count:,.1f}") for name, count in self.operations.items()),
            ),
            *(self._first_values() or self._first_outputs()),
        )

    def _first_outputs(self) -> list[str]:
        labels = ["?"] * len(self.outputs) if self.labels is None else self.labels
        return [
            f"sample {i}: label {labels[i]}, {_outputs_in_words(potentials)}"
            for i, potentials in enumerate(self.outputs[:_SHOWN])
        ]

    def _first_values(self) -> list[str]:
        """Return the last readings of the first samples; none where the network gives classes."""
        return [
            f"sample {i}: last values {' '.join(f'{value:.4f}' for value in read[-_SHOWN:].ravel())}"
            for i, read in enumerate(() if self.values is None else self.values[:_SHOWN])
        ]

    def _steps(self) -> str:
        if self.exit_steps is None:
            return f"{counted(self.network.steps, 'step')} each"
        return StepSpread.of(self.exit_steps).of_all(self.network.steps)

    def to_dict(self) -> dict[str, object]:
        """Return the score, rates, operations and outputs: means over the samples, outputs of each."""
        counts, rates = self.simulation.spike_counts, self.rates
        errors, values = self.errors, self.values
        read = {} if values is None else {"errors": errors and errors.to_dict(), "read_values": values.tolist()}
        populations = [
            {
                "population": p.name,
                "neurons": int(np.prod(p.shape)),
                "spikes": float(counts[p.name].mean()),
                "spike_rate": rates[p.name],
            }
            for p in self.network.populations
            if p.fires
        ]
        return {
            "backend": self.backend,
            "interrupted": self.is_interrupted,
            "samples": len(self.outputs),
            **({"accuracy": self.accuracy} if values is None else read),
            "populations": populations,
            "connections": [{"connection": n, "synaptic_operations": count} for n, count in self.operations.items()],
            "outputs": self.outputs.tolist(),
            **({"paths": list(self.paths)} if self.paths else {}),
            **({} if self.exit_steps is None else {"exit_steps": self.exit_steps.tolist()}),
        }


def run(
    network: Network,
    inputs: Data = None,
    *,
    labels: np.ndarray | None = None,
    samples: int = 0,
    backend: str = "cpu",
    record: bool | str | Path = False,
    placement: Placement | str | Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    explain: bool = False,
    exits: Exits = None,
    watch: Watch = SILENT,
) -> RunResult:
    """Return what `network` does with `inputs` on `backend`.

    Parameters
    ----------
    network
        An exported network, its file or its folder.
    inputs
        An array of whole numbers, images (samples, channels, height, width) or frames (steps, samples, channels,
        height, width); Samples; the name of a data set (NAME or NAME:PATH); or None for the test split of the data set
        that the network was trained on.
    labels
        int (samples,), where `inputs` is an array; without them there is no accuracy. Of a network that gives values
        float (samples, steps, values), NaN where none is asked for.
    samples
        How many of the inputs; 0 is all.
    backend
        "reference", "cpu", "lava", "netx", "onnx", "loihi2", or "auto": lava where it is installed, else cpu.
        "cpu:int8" and the like force one path of the CPU simulator wherever it is exact.
    record
        True keeps every spike in the result; a path ending in .h5 writes every spike and potential there (cpu only).
    placement
        Run what each core of this placement holds; its spikes must be those of the whole network.
    workers, cluster
        Processes that share the samples, and the address of a dask scheduler whose workers do. None chooses one
        process, or all cores for a run of the CPU simulator that takes more than seconds.
    explain
        Give one line for each connection that says how the CPU simulator adds, and why so.
    exits
        Let each sample stop as this policy, or its file, says (see sd.exits); spikes and operations are counted up to
        there.
    watch
        Hears of progress.

    Raises
    ------
    UserError
        For inputs, a backend or options that do not fit the network.
    """
    whole = integer_network(network)
    if backend == "auto":
        backend, reason = automatic_backend()
        watch.say(reason)
    simulator = load_backend(backend)
    chosen = choose(whole, inputs, samples, labels)
    if exits is not None:
        _refuse_with_exits(record=record, placement=placement, workers=workers, cluster=cluster, explain=explain)
        return _with_exits(whole, chosen, backend, policy_for(whole, exits), watch)
    require_memory(whole, chosen.count, [backend], record=record is True or placement is not None)
    split = None if placement is None else _split(watch, whole, placement)
    ran = whole if split is None else split.network
    paths: tuple[str, ...] = ()
    if explain:
        if not hasattr(simulator, "explain"):
            raise UserError(f"--explain: backend {backend!r} has nothing to explain; only cpu has several paths.")
        paths = simulator.explain(ran, chosen.shown)
        for line in paths:
            watch.say(line)
    file = None if isinstance(record, bool) else Path(record)
    if file is not None:
        _require_recordable(file, backend, is_alone=placement is None and workers in (None, 1) and cluster is None)
    keeps = record is True or split is not None
    alone = _needs_one(split, record)
    sharing = None if file else _workers(backend, ran, chosen.count, workers, cluster, needs_one=alone)
    if sharing is None:
        say_expected(watch, backend, ran, chosen.count)
    else:
        watch.say(f"{counted(chosen.count, 'sample')} shared by {cluster or f'{sharing.count} processes'}")
    is_interrupted = False
    try:
        with watch.progress(backend, chosen.count) as advance:
            if file is not None:
                from snn_deploy.deploy.backends import cpu  # noqa: PLC0415 - torch and numba are slow to import

                path = backend.partition(":")[2] or None
                names = np.full(chosen.count, -1) if chosen.labels is None else chosen.labels
                simulation = run_recorded(ran, chosen.shown, names, file, cpu.prepared(ran, path), advance)
            elif sharing is None:
                simulation = simulator.run(ran, chosen.shown, record=keeps, progress=advance)
            else:
                simulation = run_split(ran, chosen.shown, backend, sharing, advance)
    except Interrupted as interrupt:
        if interrupt.simulation is None:
            raise
        simulation, is_interrupted = interrupt.simulation, True
        done = len(simulation.outputs)
        watch.say(f"Interrupted: what follows is of the first {done} of {counted(chosen.count, 'sample')}.")
        chosen = chosen.first(done)
    if split is not None:
        simulation = split.simulation(simulation)
    return RunResult(whole, backend, simulation, chosen.labels, is_interrupted, paths, file)


def _with_exits(whole: IntegerNetwork, chosen: Chosen, backend: str, policy: ExitPolicy, watch: Watch) -> RunResult:
    require_memory(whole, chosen.count, [backend])
    with watch.progress(f"{backend}, with exits", chosen.count) as advance:
        found = run_with_exits(whole, chosen.shown, policy, load_backend(backend), advance)
    return RunResult(whole, backend, found.simulation, chosen.labels, exit_steps=found.steps)


def _refuse_with_exits(**options: object) -> None:
    """Raise UserError for an option that asks for what samples that stop early do not have."""
    for name, value in options.items():
        if value not in (None, False):
            raise UserError(f"--exits goes without --{name}: each sample has its own number of steps.")


def _needs_one(split: "Split | None", record: bool | str | Path) -> str | None:
    """Return the option that keeps a run in one process, or None."""
    if split is not None:
        return "--placement"
    return "record=True" if record is True else None


def _workers(
    backend: str, network: IntegerNetwork, samples: int, workers: int | None, cluster: str | None, *,
    needs_one: str | None,
) -> Workers | None:  # fmt: skip
    """Return the processes that share the samples, or None where this one runs them all."""
    if workers is None and cluster is None:
        is_cpu = backend.partition(":")[0] == "cpu" and needs_one is None
        count = workers_for(network, samples) if is_cpu else 1
        return Workers(count) if count > 1 else None
    if needs_one is not None:
        raise UserError(f"{needs_one} runs in one process; leave --workers and --cluster out.")
    require_splittable(backend)
    return None if workers == 1 and cluster is None else Workers(workers or 0, cluster)


def _require_recordable(record: Path, backend: str, *, is_alone: bool) -> None:
    require_place(record)
    if backend.partition(":")[0] != "cpu" or not is_alone:
        raise UserError(
            "--record writes what the cpu backend does in one process; leave --backend, --placement, --workers and "
            "--cluster out."
        )


def _split(watch: Watch, network: IntegerNetwork, placement: Placement | str | Path) -> "Split":
    """Return the network as the cores of `placement` hold it."""
    from snn_deploy.deploy.mapping.cutting.split_placed import split_placed  # noqa: PLC0415 - scipy is slow to import

    split = split_placed(network, placement if isinstance(placement, Placement) else read_placement(Path(placement)))
    cores = len({part.core for part in split.parts})
    watch.say(
        f"placed: {counted(cores, 'core')}, {counted(len(split.network.connections), 'connection')} to and between them"
    )
    return split


def _outputs_in_words(potentials: np.ndarray) -> str:
    """Return the outputs of a sample in the order of the classes; of many, the highest with their classes."""
    if len(potentials) <= _MANY_OUTPUTS:
        return f"outputs {' '.join(map(str, potentials.tolist()))}"
    highest = np.argsort(-potentials.astype(np.int64), kind="stable")[:_HIGHEST]
    return f"highest outputs {', '.join(f'{i}: {potentials[i]}' for i in highest)} of {len(potentials):,}"
