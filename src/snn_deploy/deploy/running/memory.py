"""memory: how many bytes a run takes at the least, so that one that cannot be is refused before it begins.

A file of a few kilobytes can describe a legal network of gigabytes. The numbers are lower bounds, from the arrays that
each backend holds at the same time; what is refused for them would not have run.
"""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_MEMINFO = Path("/proc/meminfo")
_GROUP_LIMITS = (  # of containers: cgroup 2, cgroup 1; (limit, in use)
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
# Bytes of a state that the reference holds for each neuron: six int64 arrays, of the old step and the new.
_REFERENCE_STATE = 2 * 6 * 8
_CPU_VALUE = 9  # cpu.samples_at_a_time: a spike, its float32, and the float32 sum
_ONNX_VALUE = 12  # onnx.samples_at_a_time, of the layer at work


def needed_bytes(network: IntegerNetwork, samples: int, backend: str, *, record: bool) -> int:
    """Return how many bytes `backend` takes at the least for `samples` samples of `network`.

    record: whether every spike of all samples is kept; else of one sample at a time.
    """
    sizes = [math.prod(network.input.shape), *(math.prod(p.shape) for p in network.populations)]
    weights = sum(c.weights.size for c in network.connections)
    name = backend.partition(":")[0]
    at_work = {
        "reference": network.steps * sum(sizes) + _REFERENCE_STATE * sum(sizes[1:]) + 8 * weights,
        "cpu": network.steps * max(sizes) * _CPU_VALUE + 4 * weights,
        "onnx": network.steps * (sum(sizes) + _ONNX_VALUE * max(sizes)),
    }.get(name, network.steps * sum(sizes))
    kept = (samples - 1) * network.steps * sum(sizes) if record else 0
    return at_work + kept


def require_memory(network: IntegerNetwork, samples: int, backends: Sequence[str], *, record: bool = False) -> None:
    """Raise UserError where one of `backends` needs more memory than is free."""
    for backend in backends:
        needed = needed_bytes(network, samples, backend, record=record)
        require_free(needed, f"{samples} samples of {network.steps} steps on {backend}")


def require_free(needed: int, what: str) -> None:
    """Raise UserError where `needed` bytes are more than are free; `what` takes them."""
    free = free_bytes()
    if free is not None and needed > free:
        raise UserError(
            f"memory: {what} take at least {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free. Take fewer samples "
            "or a smaller network, or a machine with more memory."
        )


def free_bytes() -> int | None:
    """Return the memory that this process can still get, None where the system does not say."""
    found = [limit - used for limit, used in map(_group, _GROUP_LIMITS) if limit is not None and used is not None]
    try:
        lines = dict(line.split(":") for line in _MEMINFO.read_text().splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    except (OSError, ValueError, KeyError, IndexError):
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(found)) if found else None


def _group(files: tuple[Path, Path]) -> tuple[int | None, int | None]:
    """Return the limit of the group of processes and what it uses, None where there is none."""
    return _number(files[0]), _number(files[1])


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return None
