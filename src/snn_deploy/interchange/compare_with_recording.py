"""compare_with_recording: a network from a NIR or .net file beside what its source did, recorded there."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snn_deploy.interchange.comparison import SINGLE, ComparedLayer, SourceComparison, compare_spikes
from snn_deploy.interchange.nir.names import plain_name
from snn_deploy.interchange.nir_data import NirGraphData, read_graph_data
from snn_deploy.interchange.recording import POTENTIALS, SPIKES, Recording, recording_of
from snn_deploy.network import integer_semantics
from snn_deploy.network.float_network import FloatInput, FloatNetwork
from snn_deploy.network.integer_network import IntegerInput, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import STATE_SHIFT
from snn_deploy.support.npz_file import load_npz
from snn_deploy.support.require_file import as_utf8, require_file
from snn_deploy.support.user_error import UserError

_OUTPUT = "output"
_WHOLE = 1e-5  # relative: inputs of float32, divided by their scale


def compare_with_recording(
    network: FloatNetwork | IntegerNetwork, recording: str | Path | Mapping[str, np.ndarray] | NirGraphData
) -> SourceComparison:
    """Return what was compared of a network and of its source, whose inputs and spikes were recorded.

    Parameters
    ----------
    network
        From `read_nir`, compared as far as float32 can hold its potentials; or from `read_net`, compared exactly.
    recording
        A file, .npz or NIRData (nir.write_data), or what such a file holds. An .npz has `inputs`, whole numbers as the
        network takes them, (steps, samples, *shape) or (samples, *shape) for what is shown in every step; and
        under the name of each recorded node or population its spikes, (steps, samples, *shape). Of one that never
        fires it has potentials, those of every step or (samples, *shape) those after the last; of integers in 1/64 of
        a weight step.

    Raises
    ------
    UserError
        Names the first layer, step and neuron that differs, with both values; or what does not fit the network.
    """
    found = _recording(network, recording)
    recorded = _by_population(network, found)
    steps, samples = _extent(network, recorded)
    recorded = {
        name: _fitting(network, name, values, steps, samples, found.source) for name, values in recorded.items()
    }
    frames = _frames(network.input, found, steps, samples)
    if isinstance(network, FloatNetwork):
        return compare_spikes(network, frames, recorded, found.source, tolerance=SINGLE)
    return _compare_integers(network, frames, recorded, found.source)


def _recording(network: FloatNetwork | IntegerNetwork, given: Any) -> Recording:
    if isinstance(given, Mapping):
        return recording_of(given, "recording")
    path = Path(given) if isinstance(given, str | Path) else None
    if path is not None:
        require_file(path, "an .npz or a NIRData file of recorded inputs and spikes")
    if path is None or h5py.is_hdf5(path):
        scale = network.input.scale if isinstance(network, FloatNetwork) else 1.0
        source = path or given
        most = max(int(np.prod(n.shape)) for n in (network.input, *network.populations))
        return read_graph_data(source, plain_name(network.input.name), scale, network.steps, most)
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: neither an .npz nor a NIRData file. Write it with np.savez or nir.write_data.")
    return recording_of(load_npz(path), as_utf8(path.name))


def _by_population(network: FloatNetwork | IntegerNetwork, recording: Recording) -> dict[str, np.ndarray]:
    """Return population -> its spikes, or its potentials; a layer that the network does not have is a UserError."""
    source, known = recording.source, {p.name: p for p in network.populations}
    alike: dict[str, list[str]] = {}
    for name in known:
        alike.setdefault(plain_name(name), []).append(name)
    result: dict[str, np.ndarray] = {}
    alike.setdefault(_OUTPUT, [network.populations[-1].name])  # the node of a graph whose result is this population's
    for name, observed in sorted(recording.observed.items(), key=lambda item: item[0] == _OUTPUT):
        found = [name] if name in known else alike.get(plain_name(name), [])
        if len(found) != 1:
            raise UserError(f"{source}: {name!r} is no population of the network; it has {', '.join(known)}.")
        kind = SPIKES if known[found[0]].fires else POTENTIALS
        if kind not in observed:
            raise UserError(f"{source}: {name} has no {kind}, which are what is compared of it.")
        result.setdefault(found[0], np.asarray(observed[kind]))
    if not result:
        raise UserError(f"{source}: it has inputs and nothing else. Record the spikes of {', '.join(known)}.")
    return result


def _extent(network: FloatNetwork | IntegerNetwork, recorded: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """Return steps and samples of what was recorded, as the first layer with steps has them."""
    sizes = {p.name: int(np.prod(p.shape)) for p in network.populations}
    for name, values in recorded.items():
        if values.ndim > 2 and int(np.prod(values.shape[2:])) == sizes[name]:
            return values.shape[0], values.shape[1]
    return network.steps, max((len(values) for values in recorded.values() if values.ndim), default=0)


def _fitting(
    network: FloatNetwork | IntegerNetwork, name: str, values: np.ndarray, steps: int, samples: int, source: str
) -> np.ndarray:
    """Return what was recorded of a population in its shape; what is no such recording is a UserError."""
    (population,) = (p for p in network.populations if p.name == name)
    size = int(np.prod(population.shape))
    fits = values.shape[:2] == (steps, samples) and int(np.prod(values.shape[2:])) == size
    is_last = values.shape[:1] == (samples,) and int(np.prod(values.shape[1:])) == size
    if values.dtype.kind not in "biuf" or not values.size or not (fits or (is_last and not population.fires)):
        shape = ", ".join(map(str, population.shape))
        raise UserError(
            f"{source}: {name} has the shape {values.shape}; allowed is (steps, samples, {shape}), with as many steps "
            f"and samples as other layers: {steps} and {samples}."
        )
    if population.fires and not np.isin(values, (0, 1)).all():
        worst = values.ravel()[np.argmax(~np.isin(values, (0, 1)))]
        raise UserError(f"{source}: {name} holds {worst:g}; spikes are 0 or 1, one per neuron and step.")
    return values.reshape(steps, samples, *population.shape) if fits else values.reshape(samples, *population.shape)


def _frames(entry: FloatInput | IntegerInput, recording: Recording, steps: int, samples: int) -> np.ndarray:
    """Return the inputs as whole numbers, (steps, samples, *shape)."""
    where, size, given = f"{recording.source}: inputs", int(np.prod(entry.shape)), recording.inputs
    shape = ", ".join(map(str, entry.shape))
    if given.dtype.kind not in "biuf":
        raise UserError(f"{where} hold {given.dtype}, no numbers.")
    if given.shape[:2] == (steps, samples) and int(np.prod(given.shape[2:])) == size:
        values = given.reshape(steps, samples, *entry.shape)
    elif given.shape[:1] == (samples,) and int(np.prod(given.shape[1:])) == size:
        values = np.broadcast_to(given.reshape(samples, *entry.shape), (steps, samples, *entry.shape))
    else:
        raise UserError(
            f"{where} have the shape {given.shape}; allowed are ({steps}, {samples}, {shape}) and ({samples}, {shape})."
        )
    scaled = np.asarray(values, np.float64) / recording.input_scale
    whole = np.rint(scaled)
    if not (np.abs(scaled - whole) <= _WHOLE * np.maximum(1, np.abs(whole))).all() or (
        whole.min() < 0 or whole.max() > entry.largest_value
    ):
        times = f" times {recording.input_scale:g}" * (recording.input_scale != 1)
        raise UserError(
            f"{where} are {given.min():g}..{given.max():g}; allowed are whole numbers 0..{entry.largest_value}{times}."
        )
    return whole.astype(np.int64)


def _compare_integers(
    network: IntegerNetwork, frames: np.ndarray, recorded: Mapping[str, np.ndarray], source: str
) -> SourceComparison:
    """Compare all that was recorded, exactly; the first difference is a UserError."""
    steps, samples = frames.shape[:2]
    trace = integer_semantics.run(network, frames)
    layers, first = [], []
    for place, p in enumerate(p for p in network.populations if p.name in recorded):
        ours = trace.spikes[p.name] if p.fires else trace.potentials[p.name]
        theirs = recorded[p.name]
        if theirs.ndim < ours.ndim:  # after the last step
            ours, theirs = ours[-1:], theirs[None]
        differs = (ours != theirs).reshape(len(ours), -1).any(axis=1)
        if differs.any():
            first.append((int(np.argmax(differs)) + steps - len(ours), place, p, ours, theirs))
        layers.append(ComparedLayer(p.name, int(ours.size), int(np.count_nonzero(theirs))))
    if first:
        step, _, p, ours, theirs = min(first, key=lambda found: found[:2])
        raise _difference(source, p, step, ours[step - steps], theirs[step - steps], trace.potentials[p.name][step])
    return SourceComparison(source, samples, steps, tuple(layers), tolerance=0.0)


def _difference(
    source: str, p: IntegerPopulation, step: int, ours: np.ndarray, theirs: np.ndarray, potentials: np.ndarray
) -> UserError:
    """Return what differs first in a step; arrays are (samples, *shape)."""
    differs = ours != theirs
    sample, *neuron = (int(i) for i in np.argwhere(differs)[0])
    index = (sample, *neuron)
    where = f"Population {p.name!r}, sample {sample}, step {step}, neuron {neuron}"
    if p.fires:
        does = ("does not fire", "fires")
        what = (
            f"the potential {potentials[index]} at a threshold of {int(p.threshold[neuron[0]]) << STATE_SHIFT} "
            f"{does[int(ours[index])]} here, and {does[int(theirs[index] != 0)]} there"
        )
    else:
        what = f"the potential is {ours[index]} here and {theirs[index]:g} there"
    return UserError(
        f"{source}: the network that was read is not the one that ran. {where}: {what} ({int(differs.sum())} neurons "
        "differ in this step)."
    )
