"""What the tests of the Lava backends share: the marker, the comparison, and what a job leaves behind."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from snn_deploy.deploy.backends import lava, reference
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.network.integer_network import IntegerNetwork

# Lava does not install everywhere; .ci/run fails where it is missing, so CI never skips these.
LAVA_MISSING = lava.why_unavailable()
needs_lava = pytest.mark.skipif(LAVA_MISSING is not None, reason=str(LAVA_MISSING))
# Linux, CI's system, has it; elsewhere nothing lists the processes that may be left over.
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="lists processes in /proc")


def assert_identical(found: Simulation, expected: Simulation) -> None:
    """Compare every spike of every layer, every output and every count; no tolerance."""
    assert found.spikes is not None
    assert expected.spikes is not None
    assert found.spikes.keys() == expected.spikes.keys()
    for name, spikes in expected.spikes.items():
        differing = np.argwhere(found.spikes[name] != spikes)
        assert len(differing) == 0, f"{name}: first difference at (step, sample, *neuron) {differing[0]}"
    np.testing.assert_array_equal(found.outputs, expected.outputs)
    for name in expected.spike_counts:
        np.testing.assert_array_equal(found.spike_counts[name], expected.spike_counts[name])
    for name in expected.synaptic_operations:
        np.testing.assert_array_equal(found.synaptic_operations[name], expected.synaptic_operations[name])


def lava_equals_reference(network: IntegerNetwork, inputs: np.ndarray) -> Simulation:
    """Return what Lava makes of the inputs, after comparing it with the reference."""
    found = lava.run(network, inputs, record=True)
    assert_identical(found, reference.run(network, inputs, record=True))
    return found


def leftovers(parent: int) -> list[str]:
    """Return what jobs of the process `parent` have left: processes, shared memory, temporary files."""
    name = f"snn-deploy-{parent}-"
    processes = [f"process {n}" for n in running() if name.encode() in _command(n)]
    memory = [str(p) for p in Path("/dev/shm").glob(f"*{name}*")] if Path("/dev/shm").is_dir() else []
    return processes + memory + [str(p) for p in Path(tempfile.gettempdir()).glob(f"{name}*")]


def session_members(session: int) -> list[int]:
    """Return the processes of a session that run."""
    members = []
    for number in running():
        try:
            state, _, _, its_session = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state not in "ZX":
            members.append(number)
    return members


def jobs_of(parent: int) -> list[int]:
    """Return the sessions of the jobs that `parent` has started and that run."""
    name = f"snn-deploy-{parent}-".encode()
    found = set()
    for number in running():
        if name in _command(number) and b"_lava.job" in _command(number):
            try:
                found.add(os.getsid(number))
            except ProcessLookupError:
                continue
    return sorted(found)


def running() -> list[int]:
    """Return the numbers of all processes."""
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]


def _command(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return b""
