"""Backend `cpu`: the integer semantics, vectorised; every spike and potential equals the reference.

Steps are folded into the batch wherever no loop forbids it, an image shown in every step is convolved once, and each
connection takes the fastest path that adds exactly (_cpu/paths/). Nothing is approximated. Inside, maps have their
channels last. `cpu:wide` and the like force one path wherever it is exact.
"""

import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.backends._cpu.chunk import Chunk
from snn_deploy.deploy.backends._cpu.layer import Layer, compile_kernels, layer_of
from snn_deploy.deploy.backends._cpu.stream import Stream
from snn_deploy.deploy.backends._cpu.synapses import PATHS_PACKAGE, exact_and_single_threaded
from snn_deploy.deploy.running.simulation import Interrupted, Progress, Simulation, as_frames, joined
from snn_deploy.network.evaluation_order import blocks
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.plugin import load_plugin
from snn_deploy.support.user_error import UserError

# Measured on a machine with a large cache: half as many bytes cost a large network 12 % of its speed (3 samples instead
# of 7 of W2 in docs/benchmarks.md); a small one is as fast with 32 samples as with 64 and 30 % slower with 8.
_BYTES_AT_A_TIME = 64 * 2**20
_SAMPLES_AT_A_TIME = 64


def why_unavailable() -> str | None:
    """Return None: torch and numba come with the package."""
    return None


def run(
    network: IntegerNetwork, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None
) -> Simulation:
    """Return what the integer semantics make of `inputs` (see simulation.as_frames).

    An interrupt raises Interrupted with the samples that were done. Not enough memory is a UserError.
    """
    return prepared(network).run(inputs, record=record, progress=progress)


def stream(network: IntegerNetwork) -> Stream:
    """Return `network` at rest, for frames that come one after another; see deploy/running/streaming.py."""
    return prepared(network).stream()


def make_ready(network: IntegerNetwork) -> None:
    """Compile what running `network` will call, where no earlier run on this machine left it on disk."""
    prepared(network).compile_kernels()


def explain(network: IntegerNetwork, inputs: np.ndarray) -> tuple[str, ...]:
    """Return one line per connection: the path that the first of `inputs` take, and why others did not do."""
    return prepared(network).explain(inputs)


def variant(path: str) -> "Forced":
    """Return the backend that takes `path`, one of _cpu/paths/, wherever it is exact; another name is a UserError."""
    load_plugin(PATHS_PACKAGE, path)
    return Forced(path)


@dataclass(frozen=True)
class Forced:
    """This backend with one path (_cpu/paths/) wherever that is exact, and the fastest elsewhere."""

    path: str

    def why_unavailable(self) -> str | None:
        """Return None, as the whole backend does."""
        return why_unavailable()

    def run(
        self, network: IntegerNetwork, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None
    ) -> Simulation:
        """Return what `cpu.run` returns."""
        return prepared(network, self.path).run(inputs, record=record, progress=progress)

    def stream(self, network: IntegerNetwork) -> Stream:
        """Return what `cpu.stream` returns."""
        return prepared(network, self.path).stream()

    def make_ready(self, network: IntegerNetwork) -> None:
        """Do what `cpu.make_ready` does."""
        prepared(network, self.path).compile_kernels()

    def explain(self, network: IntegerNetwork, inputs: np.ndarray) -> tuple[str, ...]:
        """Return what `cpu.explain` returns."""
        return prepared(network, self.path).explain(inputs)


def prepared(network: IntegerNetwork, path: str | None = None) -> "Prepared":
    """Return `network` ready to run many times; `path` as in Forced, None is the fastest for each connection."""
    with exact_and_single_threaded():
        return Prepared(network, {p.name: layer_of(network, p, path) for p in network.populations})


@dataclass(frozen=True)
class Prepared:
    """A network with its weights packed. layers: population -> prepared; they count what they have done."""

    network: IntegerNetwork
    layers: Mapping[str, Layer]

    def run(self, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None) -> Simulation:
        """Return what `cpu.run` returns."""
        if record:
            _require_memory(self.network, as_frames(self.network, inputs).shape[1])
        parts: list[Simulation] = []
        try:
            for part in self.parts(inputs, record=record):
                parts.append(part)
                if progress:
                    progress(len(part.outputs))
        except KeyboardInterrupt as interrupt:
            raise Interrupted(joined(parts) if parts else None) from interrupt
        return joined(parts)

    def stream(self) -> Stream:
        """Return what `cpu.stream` returns."""
        return Stream(self.network, self.layers)

    def compile_kernels(self) -> None:
        """Do what `cpu.make_ready` does."""
        with exact_and_single_threaded():
            for layer in self.layers.values():
                compile_kernels(layer)

    def parts(
        self, inputs: np.ndarray, *, record: bool = False, recorded_potentials: Collection[str] = ()
    ) -> Iterator[Simulation]:
        """Yield the simulations of successive samples, so many together as the network's size allows.

        record: with every spike. recorded_potentials: the populations whose potentials are kept.
        """
        frames = as_frames(self.network, inputs)
        size = samples_at_a_time(self.network)
        schedule = blocks(self.network)
        for start in range(0, frames.shape[1], size):
            chunk = frames[:, start : start + size]
            try:
                with exact_and_single_threaded():
                    part = Chunk(
                        self.network, self.layers, chunk, record=record, recorded_potentials=recorded_potentials
                    ).run(schedule)
            except (MemoryError, RuntimeError) as error:
                # torch has no exception of its own for a CPU's memory.
                if isinstance(error, RuntimeError) and "can't allocate memory" not in str(error):
                    raise
                raise UserError(_too_large(self.network, chunk.shape[1], start)) from error
            yield part

    def explain(self, inputs: np.ndarray) -> tuple[str, ...]:
        """Return what `cpu.explain` returns."""
        first = as_frames(self.network, inputs)[:, : samples_at_a_time(self.network)]
        self.run(first)
        return tuple(str(synapses) for layer in self.layers.values() for synapses in layer.synapses)


def samples_at_a_time(network: IntegerNetwork) -> int:
    """Return how many samples run together so that the largest population takes _BYTES_AT_A_TIME at most."""
    names = [network.input.name, *(p.name for p in network.populations)]
    largest = max(math.prod(network.shape_of(name)) for name in names)
    bytes_per_value = 9  # a spike (uint8), its float32 for the convolution, and the float32 sum it becomes
    return int(np.clip(_BYTES_AT_A_TIME // (network.steps * largest * bytes_per_value), 1, _SAMPLES_AT_A_TIME))


def _require_memory(network: IntegerNetwork, samples: int) -> None:
    """Raise UserError where the spikes of so many samples would be larger than this machine's memory."""
    neurons = math.prod(network.input.shape) + sum(math.prod(p.shape) for p in network.populations)
    needed = samples * network.steps * neurons
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else needed
    if needed > memory:
        raise UserError(
            f"the spikes of {samples} samples take {needed / 1e9:.1f} GB; this machine has {memory / 1e9:.1f} GB. "
            "Take fewer samples, or run without recording."
        )


def _too_large(network: IntegerNetwork, samples: int, done: int) -> str:
    values = {p.name: math.prod(p.shape) * network.steps for p in network.populations}
    largest = max(values, key=lambda name: values[name])
    return (
        f"population {largest!r}: {samples} samples of {values[largest]} neuron-steps did not fit the memory, after "
        f"{done} samples were done. Free some memory, or export with fewer steps."
    )
