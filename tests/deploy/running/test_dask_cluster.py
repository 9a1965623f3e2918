"""A dask cluster whose processes end in the middle: an error that says which, never a wait without an end."""

import os
import subprocess
import sys
import time

import pytest

from snn_deploy.deploy.running import dask_cluster
from snn_deploy.deploy.running.job_error import JobError

distributed = pytest.importorskip("distributed")

_SCHEDULER = """
import sys
import distributed
if __name__ == "__main__":
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp",
                                  dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


def test_results_come_in_the_order_of_the_tasks_and_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for number in range(30):
            taken.append(number)
            yield (number,)

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None
        ) as local,
        dask_cluster.dask_cluster(local.scheduler_address) as cluster,
    ):
        assert cluster.threads == 2
        results = cluster.results(abs, tasks(), 2)
        assert next(results) == 0
        assert len(taken) == 4
        assert list(results) == list(range(1, 30))


def test_a_task_that_takes_its_workers_with_it_is_an_error_that_names_the_last():
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        with (
            dask_cluster.dask_cluster(local.scheduler_address) as cluster,
            pytest.raises(JobError, match=r"killed one after the other .*, the last of them tcp://.* --memory-limit"),
        ):
            list(cluster.results(os._exit, [(1,)], 1))
        # dask starts the worker once more, and fails with an assertion of its own where it is closed in the middle.
        with distributed.Client(local) as client:
            client.wait_for_workers(1, timeout=60)


def test_a_cluster_without_workers_is_an_error_after_a_while(monkeypatch):
    monkeypatch.setattr(dask_cluster, "_SECONDS_WITHOUT_WORKERS", 1.0)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
        ) as local,
        dask_cluster.dask_cluster(local.scheduler_address) as cluster,
    ):
        results = cluster.results(time.sleep, [(0,), (1,), (1,), (1,), (1,), (1,)], 1)
        next(results)
        local.scale(0)
        with pytest.raises(JobError, match=r"has had no worker for 1 seconds\. Start some with dask worker"):
            list(results)


def test_a_scheduler_that_ends_is_an_error():
    scheduler = subprocess.Popen(
        [sys.executable, "-c", _SCHEDULER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert scheduler.stdout
    try:
        with dask_cluster.dask_cluster(scheduler.stdout.readline().strip()) as cluster:
            results = cluster.results(time.sleep, [(0,), (600,)], 1)
            next(results)
            scheduler.kill()
            with pytest.raises(
                JobError, match=r"the dask scheduler does not answer any more\. Its log says why; start it"
            ):
                list(results)
    finally:
        scheduler.kill()
        scheduler.communicate()
