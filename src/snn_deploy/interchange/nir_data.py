"""nir_data: NIRData, which the nir package keeps beside a graph: what its nodes got and did, sample by sample.

A node has observables, (samples, steps, neurons) on a grid of time, or events with times; names are those of its
documentation and of frameworks. Times of events become steps where the length of the recording is that of the steps.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import h5py
import numpy as np

from snn_deploy.interchange.load_hdf5 import Kind, load_hdf5
from snn_deploy.interchange.recording import POTENTIALS, SPIKES, Recording
from snn_deploy.support.hdf5_check import HDF5_DAMAGE
from snn_deploy.support.npz_file import reason
from snn_deploy.support.require_file import as_utf8
from snn_deploy.support.user_error import UserError

if TYPE_CHECKING:
    import nir

_FILE = Kind("NIRData file", "nodes", "nir.write_data")
_NAMES = {
    SPIKES: (SPIKES, "spike", "s", "z"),
    POTENTIALS: (POTENTIALS, "potential", "voltages", "voltage", "v", "v_mem", "vmem", "mem", "membrane", "u"),
}
_EARLY = 1e-6  # of a step: a time of k steps that is not quite k


class NirGraphData(Protocol):
    """A nir.NIRGraphData."""

    nodes: Mapping[str, Any]


def read_graph_data(
    source: Path | NirGraphData, input_name: str, input_scale: float, steps: int, most: int
) -> Recording:
    """Return the recording in a NIRData file, or in a nir.NIRGraphData.

    input_name: of the Input, as of its node. input_scale: whole numbers times this are what enters the graph. steps: of
    a sample, into which the times of events are divided. most: neurons that a node can have.
    """
    where = as_utf8(source.name) if isinstance(source, Path) else "NIRData"
    nodes = dict(_of_file(source) if isinstance(source, Path) else _of_object(source.nodes, ""))
    observed: dict[str, dict[str, np.ndarray]] = {}
    for name, observables in nodes.items():
        observed[name] = {}
        for kind, names in _NAMES.items():
            found = next((observables[n] for n in names if n in observables), None)
            if found is not None:
                observed[name][kind] = _on_grid(found, steps, most, f"{where}: {name}")
        if not observed[name]:
            known = ", ".join(n for names in _NAMES.values() for n in names)
            raise UserError(f"{where}: {name} has {', '.join(observables) or 'no observables'}; known are {known}.")
    entry = next((name for name in (input_name, "input") if name in observed), None)
    if entry is None:
        raise UserError(
            f"{where}: it has the nodes {', '.join(observed) or 'none'}, not the input {input_name!r}. Record what "
            "the graph got as well."
        )
    inputs = next(iter(observed.pop(entry).values()))
    return Recording(where, inputs, observed, input_scale)


def graph_data(recorded: Mapping[str, Mapping[str, np.ndarray]], time_step: float) -> "nir.NIRGraphData":
    """Return node -> observable -> (steps, samples, *shape) as a nir.NIRGraphData; what is boolean stays so."""
    import nir  # noqa: PLC0415

    nodes = {}
    for node, observables in recorded.items():
        grids = {}
        for name, values in observables.items():
            rows = np.swapaxes(values, 0, 1).reshape(values.shape[1], values.shape[0], -1)
            grids[name] = nir.TimeGriddedData(np.ascontiguousarray(rows), time_step)
        nodes[node] = nir.NIRNodeData(grids)
    return nir.NIRGraphData(nodes)


def _of_file(path: Path) -> Iterator[tuple[str, dict[str, Mapping[str, Any]]]]:
    """Yield node -> observable -> its arrays and attributes; nodes of graphs in graphs are GRAPH.NODE."""
    plain = load_hdf5(path, _FILE)
    try:
        with h5py.File(path, "r") as file:
            yield from _of_group(plain, file[_FILE.group], "")
    except HDF5_DAMAGE as error:
        raise UserError(f"{path}: a damaged {_FILE.title} ({reason(error)}). Write it again.") from error


def _of_group(
    plain: Mapping[str, Any], group: h5py.Group, prefix: str
) -> Iterator[tuple[str, dict[str, Mapping[str, Any]]]]:
    for name, node in plain.items():
        if isinstance(node, Mapping) and "nodes" in node:
            yield from _of_group(node["nodes"], group[name]["nodes"], f"{prefix}{name}.")
        elif isinstance(node, Mapping) and isinstance(node.get("observables"), Mapping):
            places = group[name]["observables"]
            yield (
                prefix + name,
                {
                    key: {
                        **arrays,
                        **{k: places[key].attrs[k] for k in ("n_neurons", "t_max") if k in places[key].attrs},
                    }
                    for key, arrays in node["observables"].items()
                    if isinstance(arrays, Mapping)
                },
            )


def _of_object(nodes: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Mapping[str, Any]]]]:
    for name, node in nodes.items():
        if hasattr(node, "nodes"):
            yield from _of_object(node.nodes, f"{prefix}{name}.")
        else:
            yield prefix + name, {key: vars(observable) for key, observable in node.observables.items()}


def _on_grid(observable: Mapping[str, Any], steps: int, most: int, where: str) -> np.ndarray:
    """Return (steps, samples, neurons) of an observable; events of more than `most` neurons are a UserError."""
    if "data" in observable:
        data = np.asarray(observable["data"])
        if data.ndim != 3:
            raise UserError(f"{where}: data of the shape {data.shape}; NIRData has (samples, steps, neurons).")
        return np.swapaxes(data, 0, 1)
    if not {"idx", "time", "n_neurons", "t_max"} <= set(observable):
        raise UserError(f"{where}: neither data on a grid of time nor events. Write it with nir.write_data.")
    try:
        index, times = np.asarray(observable["idx"]), np.asarray(observable["time"], np.float64)
        values = np.asarray(observable.get("value", np.ones(index.shape)), np.float64)
        neurons, duration = int(observable["n_neurons"]), float(observable["t_max"])
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: its events are no numbers ({error}). Write it with nir.write_data.") from error
    fits = index.ndim == 2 and index.shape == times.shape == values.shape and index.dtype.kind in "iu"
    if not (fits and 0 < neurons <= most and 0 < duration < np.inf):
        raise UserError(
            f"{where}: events {index.shape} with times {times.shape} and values {values.shape} of {neurons} neurons "
            f"over {duration:g} s; allowed are (samples, events) of at most {most} neurons, as the network has."
        )
    length = duration / steps
    samples, events = np.nonzero(index >= 0)
    step = np.floor(times[samples, events] / length + _EARLY)
    which = index[samples, events]
    if len(step) and not ((step >= 0).all() and (step < steps).all() and which.max() < neurons):
        raise UserError(
            f"{where}: events of neurons up to {which.max()} in steps {step.min():g}..{step.max():g}; there are "
            f"{neurons} neurons and, by its length of {duration:g}, {steps} steps."
        )
    grid = np.zeros((steps, len(index), neurons))
    np.add.at(grid, (step.astype(np.int64), samples, which), values[samples, events])
    return grid
