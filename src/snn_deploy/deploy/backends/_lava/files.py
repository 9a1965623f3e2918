"""The files through which a job and its parent talk: the network, the frames, and what was recorded.

Spikes are packed eight to a byte, one row per step of a sample; a row is complete or not there. Maps stand in
Lava's order: (width, height, channels).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn_deploy.deploy.running.simulation import is_static
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.network.value_reading import gives_values
from snn_deploy.support.atomic_file import writing


@dataclass(frozen=True)
class JobFiles:
    """Where everything is in the folder of one job."""

    folder: Path

    @property
    def network(self) -> Path:
        """The IntegerNetwork."""
        return self.folder / "network.npz"

    @property
    def frames(self) -> Path:
        """The inputs, (samples, *input shape) where every step shows the same, else (steps, samples, *input shape)."""
        return self.folder / "frames.npy"

    @property
    def exchange(self) -> Path:
        """The network as lava-dl reads it."""
        return self.folder / "network.net"

    @property
    def potentials(self) -> Path:
        """The output's potentials, int32, at each sample's end; of a network that gives values after every step."""
        return self.folder / "potentials.i32"

    def spikes(self, index: int) -> Path:
        """The spikes of the population `index`, (samples * steps, bytes)."""
        return self.folder / f"spikes{index}.bits"

    def write_frames(self, frames: np.ndarray) -> None:
        """Write frames (steps, samples, *input shape) in the shorter of the two forms."""
        with writing(self.frames):
            np.save(self.frames, frames[0] if is_static(frames) else frames)

    def samples(self, network: IntegerNetwork) -> int:
        """Return how many samples the frames hold."""
        shape = np.load(self.frames, mmap_mode="r").shape
        return shape[len(shape) - len(network.input.shape) - 1]


def lava_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that Lava gives these neurons: (width, height, channels) for a map."""
    return shape[::-1]


def finished_samples(network: IntegerNetwork, files: JobFiles) -> int:
    """Return how many samples the output has finished."""
    output = network.output
    if output.fires:
        path, row = files.spikes(len(network.populations) - 1), _row_bytes(output) * network.steps
    else:
        path, row = files.potentials, 4 * int(np.prod(output.shape)) * _readings(network)
    return path.stat().st_size // row if path.exists() else 0


def recorded_spikes(network: IntegerNetwork, files: JobFiles, samples: int, chunk: int) -> Iterator[dict]:
    """Yield population -> (steps, samples of the chunk, *shape) of 0 and 1, `chunk` samples at a time."""
    rows = {
        p.name: np.memmap(files.spikes(i), np.uint8, "r", shape=(samples, network.steps, _row_bytes(p)))
        for i, p in enumerate(network.populations)
    }
    for start in range(0, samples, chunk):
        yield {p.name: _unpacked(rows[p.name][start : start + chunk], p) for p in network.populations}


def recorded_potentials(network: IntegerNetwork, files: JobFiles, samples: int) -> np.ndarray:
    """Return the output's potentials, int64 (readings, samples, neurons), channels first.

    There is one reading at each sample's end, or of a network that gives values one after every step.
    """
    shape = lava_shape(network.output.shape)
    values = np.fromfile(files.potentials, np.int32).reshape(samples, _readings(network), *shape).astype(np.int64)
    return values.transpose(1, 0, *range(len(shape) + 1, 1, -1)).reshape(_readings(network), samples, -1)


def _readings(network: IntegerNetwork) -> int:
    """Return how often the output's potentials are read in a sample."""
    return network.steps if gives_values(network) else 1


def _row_bytes(population: IntegerPopulation) -> int:
    return (int(np.prod(population.shape)) + 7) // 8


def _unpacked(rows: np.ndarray, population: IntegerPopulation) -> np.ndarray:
    """Return (steps, samples, *shape) of packed rows (samples, steps, bytes)."""
    shape = lava_shape(population.shape)
    bits = np.unpackbits(rows, axis=2, count=int(np.prod(shape)))
    spikes = bits.reshape(*rows.shape[:2], *shape)
    return np.ascontiguousarray(spikes.transpose(1, 0, *range(len(shape) + 1, 1, -1)))
