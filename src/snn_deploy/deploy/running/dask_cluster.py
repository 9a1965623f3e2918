"""dask_cluster: work shared by the machines of a dask cluster; whoever waits for one that is gone learns of it.

joblib's own dask backend is not used: where a worker dies often enough for dask to give its task up, it waits for ever
or raises an error that names neither the worker nor the reason.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, TypeVar

from snn_deploy.deploy.running.job_error import JobError
from snn_deploy.support.user_error import UserError

_R = TypeVar("_R")

_SECONDS_TO_CONNECT = 10
_SECONDS_WITHOUT_WORKERS = 30.0  # a worker that was killed is started again in a few, where a nanny looks after it
_LOOK_EVERY = 0.5  # seconds
_WAITING_FOR_A_WORKER = 2  # tasks of each worker that are sent ahead


class DaskCluster:
    """A dask cluster that answers. threads: of all its workers; at least 1."""

    def __init__(self, client: Any, address: str, threads: int) -> None:
        self._client, self._address, self.threads = client, address, threads

    def results(self, function: Callable[..., _R], tasks: Iterable[tuple[Any, ...]], at_once: int) -> Iterator[_R]:
        """Yield function(*task) of every task, in their order; an error of `function` is raised here.

        tasks: are taken as the cluster gets through them. at_once: how many run at the same time.

        JobError: the scheduler ended, all workers did, or one task took several workers with it.
        """
        waiting = iter(tasks)
        sent: deque[Any] = deque()
        while True:
            for task in islice(waiting, at_once * _WAITING_FOR_A_WORKER - len(sent)):
                sent.append(self._client.submit(function, *task, pure=False))
            if not sent:
                return
            yield self._result(sent.popleft())

    def _result(self, future: Any) -> Any:
        from distributed import CancelledError, KilledWorker, TimeoutError, wait  # noqa: PLC0415 - an optional extra

        try:
            last_seen = time.monotonic()
            while not future.done():
                with suppress(TimeoutError):
                    wait(future, timeout=_LOOK_EVERY)
                if self._workers():
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > _SECONDS_WITHOUT_WORKERS:
                    raise JobError(
                        f"--cluster {self._address}: has had no worker for {_SECONDS_WITHOUT_WORKERS:g} seconds. Start "
                        "some with dask worker ADDRESS; their log says why they ended."
                    )
            return future.result()
        except KilledWorker as error:
            raise JobError(
                f"--cluster {self._address}: workers were killed one after the other while they ran the same samples, "
                "the last of them " + str(error.last_worker.address) + ". Where memory is short, Linux and dask kill "
                "processes: start workers with fewer threads or a higher --memory-limit."
            ) from error
        except CancelledError as error:
            raise self._lost() from error

    def _workers(self) -> int:
        """Return how many workers the scheduler knows now."""
        try:
            return len(self._client.nthreads())
        except Exception as error:  # its connection may break in any way
            raise self._lost() from error

    def _lost(self) -> JobError:
        return JobError(
            f"--cluster {self._address}: the dask scheduler does not answer any more. Its log says why; start it "
            "and the run again."
        )


@contextmanager
def dask_cluster(address: str) -> Iterator[DaskCluster]:
    """Yield the cluster whose scheduler has `address`. UserError: dask is missing, none answers, or it has no workers.

    What was sent and nobody waits for any more is cancelled at the end.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise UserError("--cluster needs dask's distributed: pip install 'snn-deploy[cluster]'.") from error
    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"--cluster {address}: no dask scheduler answers ({error}). Start one with dask scheduler, and give the "
            "address that it prints, such as tcp://host:8786."
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UserError(f"--cluster {address}: has no workers yet. Start some with dask worker ADDRESS.")
        yield DaskCluster(client, address, threads)
