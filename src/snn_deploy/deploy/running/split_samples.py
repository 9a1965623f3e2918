"""split_samples: samples divided over processes of this machine, or over the machines of a dask cluster.

Every process runs the same backend on some of the samples, so the counts are the same whatever the split.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.dask_cluster import dask_cluster
from snn_deploy.deploy.running.event_counts import multiply_accumulates
from snn_deploy.deploy.running.simulation import Interrupted, Progress, Simulation, as_frames, joined
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError
from snn_deploy.support.worker_pool import worker_pool

_Tasks = Iterable[tuple[IntegerNetwork, np.ndarray, str]]

_PARTS_OF_A_WORKER = 4  # so that a slow one does not hold up the others at the end
_LEAST_SAMPLES = 64  # of a part: below, its way to the process costs more than it gains
_WORTHWHILE_SECONDS = 10  # a process takes two or three to import torch and load kernels
# Measured on one core without AMX; only good for telling minutes from seconds.
_NEURON_STEPS_A_SECOND, _MULTIPLICATIONS_A_SECOND = 4e8, 1e11
_SPLITTABLE = ("cpu", "reference", "onnx")  # the others run in processes of their own


@dataclass(frozen=True)
class Workers:
    """How many processes, and the address of a dask scheduler or None for this machine; 0 is all that there are."""

    count: int
    cluster: str | None = None


def workers_for(network: IntegerNetwork, samples: int) -> int:
    """Return how many processes are worthwhile on this machine: all its cores, or 1 for what takes seconds."""
    neurons = sum(math.prod(p.shape) for p in network.populations)
    work = neurons / _NEURON_STEPS_A_SECOND + sum(multiply_accumulates(network).values()) / _MULTIPLICATIONS_A_SECOND
    if samples * network.steps * work <= _WORTHWHILE_SECONDS:
        return 1
    import joblib  # noqa: PLC0415 - a tenth of a second, that a short run is spared

    return joblib.cpu_count()


def require_splittable(backend: str) -> None:
    """Raise UserError for a backend that runs in processes of its own."""
    if backend.partition(":")[0] not in _SPLITTABLE:
        raise UserError(
            f"backend {backend!r} runs in processes of its own; --workers and --cluster take {', '.join(_SPLITTABLE)}."
        )


def run_split(
    network: IntegerNetwork, inputs: np.ndarray, backend: str, workers: Workers, progress: Progress | None = None
) -> Simulation:
    """Return what the backend named `backend` makes of `inputs` (see simulation.as_frames), the samples divided.

    Spikes are not recorded. An interrupt raises Interrupted with the samples that were done, in their order.
    """
    require_splittable(backend)
    load_backend(backend)  # what it refuses is refused here, not in every process
    frames = as_frames(network, inputs)
    samples, is_image = frames.shape[1], np.shape(inputs)[1:] == network.input.shape
    with _shared(workers) as (done, count):
        size = max(_LEAST_SAMPLES, -(-samples // (count * _PARTS_OF_A_WORKER)))
        ranges = [slice(start, start + size) for start in range(0, samples, size)]
        tasks = ((network, inputs[part] if is_image else frames[:, part], backend) for part in ranges)
        parts: list[Simulation] = []
        try:
            for part in done(tasks):
                parts.append(part)
                if progress:
                    progress(len(part.outputs))
        except KeyboardInterrupt as interrupt:
            raise Interrupted(joined(parts) if parts else None) from interrupt
    return joined(parts)


def _run_part(network: IntegerNetwork, inputs: np.ndarray, backend: str) -> Simulation:
    return load_backend(backend).run(network, inputs)


@contextmanager
def _shared(workers: Workers) -> Iterator[tuple[Callable[[_Tasks], Iterator[Simulation]], int]]:
    """Yield a function that runs parts elsewhere and yields their simulations in order, and how many at once."""
    if workers.cluster is None:
        import joblib  # noqa: PLC0415

        count = joblib.cpu_count() if workers.count == 0 else workers.count
        with worker_pool(count) as pool:
            yield lambda tasks: _in_order(pool.results(_run_part, tasks)), count
        return
    with dask_cluster(workers.cluster) as cluster:
        count = workers.count or cluster.threads
        yield lambda tasks: cluster.results(_run_part, tasks, count), count


def _in_order(numbered: Iterator[tuple[int, Simulation]]) -> Iterator[Simulation]:
    """Yield what comes with numbers from 0 in the order of the numbers."""
    early: dict[int, Simulation] = {}
    following = 0
    for number, simulation in numbered:
        early[number] = simulation
        while following in early:
            yield early.pop(following)
            following += 1
