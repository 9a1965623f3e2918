"""Samples shared by processes, or by a dask cluster: the same simulation, in the order of the samples."""

import os
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
from helpers.small_disk import leave, mounted

from snn_deploy.deploy.running import dask_cluster, split_samples
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.split_samples import Workers, run_split, workers_for
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.support.user_error import UserError


@pytest.fixture(scope="module")
def network():
    return random_network(3)


def assert_equal(found, expected):
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    for name, counts in expected.spike_counts.items():
        np.testing.assert_array_equal(found.spike_counts[name], counts)
    for name, counts in expected.synaptic_operations.items():
        np.testing.assert_array_equal(found.synaptic_operations[name], counts)


@pytest.mark.parametrize(
    ("size", "is_image"),
    [(1, True), (1, False), (5, False), (100, True)],
    ids=["single images", "single frames", "a rest of three", "one piece"],
)
def test_the_counts_are_the_same_whatever_the_split(network, monkeypatch, is_image, size):
    monkeypatch.setattr(split_samples, "_LEAST_SAMPLES", size)
    images = random_inputs(network, 23, 0)
    inputs = images if is_image else np.stack([np.roll(images, t, axis=0) for t in range(network.steps)])
    done = []
    found = run_split(network, inputs, "cpu", Workers(2), done.append)
    assert_equal(found, load_backend("cpu").run(network, inputs))
    assert sum(done) == 23


def test_a_dask_cluster_gives_the_same(network, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(split_samples, "_LEAST_SAMPLES", 4)
    inputs = random_inputs(network, 23, 0)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        found = run_split(network, inputs, "cpu:wide", Workers(0, cluster.scheduler_address))
    assert_equal(found, load_backend("cpu").run(network, inputs))


def test_a_cluster_whose_disk_is_full_gives_the_same(network, monkeypatch, tmp_path):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(split_samples, "_LEAST_SAMPLES", 4)
    inputs = random_inputs(network, 23, 0)
    with (
        mounted(tmp_path / "disk", 2**20) as disk,
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, local_directory=str(disk), processes=False,
            protocol="tcp",
        ) as cluster,
    ):  # fmt: skip
        leave(disk, 0)
        found = run_split(network, inputs, "cpu", Workers(0, cluster.scheduler_address))
    assert_equal(found, load_backend("cpu").run(network, inputs))


def test_a_scheduler_that_does_not_answer_is_one_line(network, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(dask_cluster, "_SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(UserError, match=r"no dask scheduler answers .* give the address that it prints"):
        run_split(network, random_inputs(network, 2, 0), "cpu", Workers(0, "tcp://127.0.0.1:9"))


def test_without_dask_the_extra_is_named(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install 'snn-deploy\[cluster\]'"):
        run_split(network, random_inputs(network, 2, 0), "cpu", Workers(0, "tcp://127.0.0.1:9"))


def test_only_long_runs_are_shared_unasked(network):
    assert workers_for(network, 10) == 1
    assert workers_for(network, 10**12) == joblib.cpu_count()


_ONLY_A_HANG = 300  # seconds
_RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from snn_deploy.deploy.running import dask_cluster, split_samples
from snn_deploy.deploy.verification.random_network import random_inputs, random_network
from snn_deploy.deploy.running.simulation import Interrupted
split_samples._LEAST_SAMPLES = 1
network = random_network(3)
inputs = random_inputs(network, 200_000, 0)
try:
    split_samples.run_split(network, inputs, "reference", split_samples.Workers(2), lambda n: print("some", flush=True))
except Interrupted as stopped:
    print("kept", len(stopped.simulation.outputs), flush=True)
"""


def test_an_interrupt_keeps_what_was_done_and_leaves_no_process():
    child = subprocess.Popen(
        [sys.executable, "-c", _RUN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stdout
    assert child.stdout.readline() == "some\n"
    os.killpg(child.pid, signal.SIGINT)  # as Ctrl-C does
    out, err = child.communicate(timeout=_ONLY_A_HANG)
    assert "kept " in out, err
    assert "Traceback" not in err
    deadline = time.monotonic() + _ONLY_A_HANG
    while _is_alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(child.pid)


def _is_alive(group: int) -> bool:
    """Whether a process of the group still runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
