"""recording: every spike and potential of a run on the CPU simulator, in an HDF5 file; in memory only some samples.

Groups `spikes` and `potentials` hold one array for each population, (samples, steps, *shape): uint8, and int32 after
the reset in units of 1/64 of a weight. `spikes` has the input's values as well. Beside them stand `outputs` and
`labels`. The attributes of the file say which network it was.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np

from snn_deploy.deploy.running.simulation import Interrupted, Progress, Simulation, as_frames, joined
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.hdf5_stream import hdf5_stream
from snn_deploy.support.user_error import UserError

KIND, VERSION = "snn-deploy Recording", 1


class Recordable(Protocol):
    """A network that yields its samples part by part with everything that happened: `cpu.prepared(network)`."""

    def parts(
        self, inputs: np.ndarray, *, record: bool = False, recorded_potentials: Collection[str] = ()
    ) -> Iterator[Simulation]:
        """Yield the simulations of successive samples, with the potentials of these populations."""


def run_recorded(
    network: IntegerNetwork,
    inputs: np.ndarray,
    labels: np.ndarray,
    path: Path,
    ready: Recordable,
    progress: Progress | None = None,
) -> Simulation:
    """Return what `cpu.run` returns of `inputs` and write every spike and potential of it to `path`.

    The file appears whole. An interrupt keeps the samples that were done, in the file too, and raises Interrupted.
    """
    frames = as_frames(network, inputs)
    parts: list[Simulation] = []
    interrupt: KeyboardInterrupt | None = None
    with hdf5_stream(path) as (file, piece):
        with piece():
            arrays = _arrays(file, network, frames.shape[1])
        done = 0
        try:
            names = [p.name for p in network.populations]
            for part in ready.parts(inputs, record=True, recorded_potentials=names):
                end = done + len(part.outputs)
                with piece():
                    for name, values in _recorded(part):
                        arrays[name][done:end] = values
                done = end
                parts.append(replace(part, spikes=None, potentials=None))
                if progress:
                    progress(len(part.outputs))
        except KeyboardInterrupt as stopped:
            if not done:
                raise Interrupted(None) from stopped
            interrupt = stopped
        with piece():
            for array in arrays.values():
                array.resize(done, axis=0)
            file["outputs"] = joined(parts).outputs
            file["labels"] = np.asarray(labels)[:done]
    if interrupt is not None:
        raise Interrupted(joined(parts)) from interrupt
    return joined(parts)


def require_place(path: Path) -> None:
    """Raise UserError for a name that other tools would not take for HDF5."""
    if path.suffix not in (".h5", ".hdf5"):
        raise UserError(f"--record {path}; allowed are files that end with .h5 or .hdf5.")


def _recorded(part: Simulation) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name of the array, its values with the samples first)."""
    assert part.spikes is not None and part.potentials is not None  # asked for
    for group, recorded in (("spikes", part.spikes), ("potentials", part.potentials)):
        for name, values in recorded.items():
            yield f"{group}/{name}", np.swapaxes(values, 0, 1)


def _arrays(file: h5py.File, network: IntegerNetwork, samples: int) -> dict[str, h5py.Dataset]:
    """Return the empty arrays of the file; one sample of a population is what is read or written at once."""
    file.attrs.update(kind=KIND, version=VERSION, network_sha256=network.digest, steps=network.steps)
    kinds: list[tuple[str, str, tuple[int, ...], type[np.integer]]]
    kinds = [("spikes", network.input.name, network.input.shape, np.uint8)]
    for p in network.populations:
        kinds += [("spikes", p.name, p.shape, np.uint8), ("potentials", p.name, p.shape, np.int32)]
    found = {}
    for group, name, shape, kind in kinds:
        one = (network.steps, *shape)
        found[f"{group}/{name}"] = file.create_dataset(
            f"{group}/{name}", (samples, *one), kind, chunks=(1, *one), maxshape=(None, *one), compression="lzf"
        )
    for dataset in (found[f"potentials/{p.name}"] for p in network.populations):
        dataset.attrs["unit"] = "1/64 of a weight, after the reset"
    return found
