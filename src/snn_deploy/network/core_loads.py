"""core_loads: how long one spike of each neuron keeps each core of a chip busy, for training to see the busiest core.

Deployment measures it on a placement (deploy/energy/core_loads.py); the loss `busiest_core` reads it. It is a file, so
that training needs no chip; a run that is resumed sees what it saw before as long as nobody writes another one there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from snn_deploy.support.array_file import read_array_file, write_array_file
from snn_deploy.support.read_only import read_only
from snn_deploy.support.user_error import UserError

_KIND, _VERSION = "CoreLoads", 1


@dataclass(frozen=True, eq=False)
class SpikeLoads:
    """What the spikes of one population cost. shape: of the population.

    cores, neurons, seconds: (entries,): a spike of the neuron, a flat index, keeps the core busy for so long.
    """

    shape: tuple[int, ...]
    cores: np.ndarray
    neurons: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True, eq=False)
class CoreLoads:
    """chip: the profile's name. idle: (cores,), seconds of each core in a step whatever the network's neurons fire.

    spikes: population -> what its spikes cost. idle holds the updates of the neurons and what the input brings.
    """

    chip: str
    idle: np.ndarray
    spikes: Mapping[str, SpikeLoads]

    @property
    def longest(self) -> float:
        """Seconds of the busiest core in a step in which every neuron fires."""
        total = self.idle.copy()
        for loads in self.spikes.values():
            total += np.bincount(loads.cores, loads.seconds, len(total))
        return float(total.max())


def write_core_loads(loads: CoreLoads, path: Path) -> None:
    """Write `loads` to `path`, whole or not at all."""
    shapes = {name: list(part.shape) for name, part in loads.spikes.items()}
    arrays = {"idle": loads.idle}
    for i, part in enumerate(loads.spikes.values()):
        arrays |= {f"cores{i}": part.cores, f"neurons{i}": part.neurons, f"seconds{i}": part.seconds}
    write_array_file(path, _KIND, _VERSION, {"chip": loads.chip, "populations": json.dumps(shapes)}, arrays)


def read_core_loads(path: Path) -> CoreLoads:
    """Return the loads in `path`; a file that is damaged or of another kind is a UserError."""
    header, arrays = read_array_file(path, _KIND, _VERSION)
    try:
        shapes, chip, idle = json.loads(header["populations"]), header["chip"], arrays["idle"]
        spikes = {
            name: _spike_loads(tuple(shape), arrays[f"cores{i}"], arrays[f"neurons{i}"], arrays[f"seconds{i}"], idle)
            for i, (name, shape) in enumerate(shapes.items())
        }
        if not isinstance(chip, str) or idle.ndim != 1 or len(idle) == 0 or not _are_times(idle):
            raise ValueError("idle times that are none")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: no core loads ({error}). Make them again: snn-deploy map NETWORK --samples N --loads FILE."
        ) from error
    return CoreLoads(chip, read_only(idle, np.float64), MappingProxyType(spikes))


def _spike_loads(
    shape: tuple[int, ...], cores: np.ndarray, neurons: np.ndarray, seconds: np.ndarray, idle: np.ndarray
) -> SpikeLoads:
    if not shape or not all(isinstance(size, int) and 0 < size < 2**31 for size in shape):
        raise ValueError(f"shape {shape}")
    if not (cores.shape == neurons.shape == seconds.shape and cores.ndim == 1 and _are_times(seconds)):
        raise ValueError("arrays that differ in shape, or times that are none")
    for indices, below in ((cores, len(idle)), (neurons, int(np.prod(shape, dtype=object)))):
        if indices.dtype.kind not in "iu" or (len(indices) and not 0 <= indices.min() <= indices.max() < below):
            raise ValueError(f"an index that is not below {below}")
    return SpikeLoads(shape, read_only(cores, np.int64), read_only(neurons, np.int64), read_only(seconds, np.float64))


def _are_times(values: np.ndarray) -> bool:
    return values.dtype.kind == "f" and bool(np.isfinite(values).all() and (values >= 0).all())
