"""Backend `cpu`: the integer semantics, vectorised; every spike and potential equals the reference.

Steps are folded into the batch wherever no loop forbids it, an image shown in every step is convolved once, and
sums are taken in the smallest float type that is exact for them (_cpu_limits.py). Nothing is approximated.
"""

import math
from collections.abc import Sequence

import numpy as np

from snn_deploy.deploy.backends._cpu_layer import Layer, arriving, layer_of, scaled
from snn_deploy.deploy.backends._cpu_lif import advance
from snn_deploy.deploy.backends._cpu_synapses import exact_and_single_threaded
from snn_deploy.deploy.event_counts import synaptic_operations
from snn_deploy.deploy.simulation import Progress, Simulation, as_frames, is_static, joined
from snn_deploy.export.evaluation_order import blocks, is_recurrent
from snn_deploy.export.integer_network import IntegerNetwork

_BYTES_AT_A_TIME = 32 * 2**20  # a guess: the layers in flight of a small network stay in the last-level cache
_SAMPLES_AT_A_TIME = 64  # a guess: beyond, larger batches did not make the convolutions faster


def why_unavailable() -> str | None:
    """Return None: torch and numba come with the package."""
    return None


def run(
    network: IntegerNetwork, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None
) -> Simulation:
    """Return what the integer semantics make of `inputs` (see simulation.as_frames)."""
    frames = as_frames(network, inputs)
    size = samples_at_a_time(network)
    schedule = blocks(network)
    parts = []
    with exact_and_single_threaded():
        layers = {p.name: layer_of(network, p) for p in network.populations}
        for start in range(0, frames.shape[1], size):
            chunk = frames[:, start : start + size]
            parts.append(_Chunk(network, layers, chunk, record=record).run(schedule))
            if progress:
                progress(chunk.shape[1])
    return joined(parts)


def samples_at_a_time(network: IntegerNetwork) -> int:
    """Return how many samples run together so that the largest population's spikes and sums fit in the cache."""
    names = [network.input.name, *(p.name for p in network.populations)]
    largest = max(math.prod(network.shape_of(name)) for name in names)
    bytes_per_value = 9  # a spike (uint8), its float32 for the convolution, and the float32 sum it becomes
    return int(np.clip(_BYTES_AT_A_TIME // (network.steps * largest * bytes_per_value), 1, _SAMPLES_AT_A_TIME))


class _Chunk:
    """A run of some samples: what has been computed of it so far."""

    def __init__(self, network: IntegerNetwork, layers: dict[str, Layer], frames: np.ndarray, *, record: bool) -> None:
        self.network, self.layers, self.record = network, layers, record
        self.steps, self.samples = frames.shape[:2]
        values = (frames[:1] if is_static(frames) else frames).astype(np.uint8)
        # A single frame stands for the same one in every step.
        self.spikes = {network.input.name: values}
        self.spike_sums = {network.input.name: np.count_nonzero(values, axis=0) * (self.steps // len(values))}
        self.output_potential = np.zeros(0)
        self.recorded: dict[str, np.ndarray] = {}

    def run(self, schedule: Sequence[tuple[str, ...]]) -> Simulation:
        """Return the simulation of these samples."""
        waiting = [c.source for block in schedule for name in block for c in self.network.connections_to(name)]
        for block in schedule:
            if is_recurrent(self.network, block):
                self._step_by_step(block)
            else:
                self._all_steps(block[0])
            for name in block:
                for connection in self.network.connections_to(name):
                    waiting.remove(connection.source)
            self._forget({name for name in self.spikes if name not in waiting})
        return self._simulation()

    def _all_steps(self, name: str) -> None:
        layer = self.layers[name]
        sums, shown = arriving(layer, self.spikes, self.steps, self.samples)
        state = _State(layer, self.steps, self.samples)
        state.advance(sums, shown, slice(None))
        self._keep(layer, state)

    def _step_by_step(self, block: tuple[str, ...]) -> None:
        layers = [self.layers[name] for name in block]
        outside = {n: arriving(self.layers[n], self.spikes, self.steps, self.samples) for n in block}
        states = {layer.population.name: _State(layer, self.steps, self.samples) for layer in layers}
        now = np.zeros(1, np.int64)
        for t in range(self.steps):
            for layer in layers:
                name = layer.population.name
                sums, shown = outside[name]
                total = sums[shown[t] :][:1].copy() if shown[t] >= 0 else None
                if total is None:
                    total = np.zeros((1, self.samples, layer.size), layer.sum_type)
                for synapses in layer.synapses:
                    past = t - synapses.connection.delay
                    if synapses.connection.source in states and past >= 0:
                        values = states[synapses.connection.source].shaped_spikes[past]
                        total += scaled(synapses.deliver(values), synapses, layer.sum_type)
                states[name].advance(total, now, slice(t, t + 1))
        for layer in layers:
            self._keep(layer, states[layer.population.name])

    def _keep(self, layer: Layer, state: "_State") -> None:
        name = layer.population.name
        self.spikes[name], self.spike_sums[name] = state.shaped_spikes, state.spike_sums
        if name == self.network.output.name:
            self.output_potential = state.potential

    def _forget(self, names: set[str]) -> None:
        for name in names:
            values = self.spikes.pop(name)
            if self.record:
                self.recorded[name] = np.broadcast_to(values, (self.steps, *values.shape[1:]))

    def _simulation(self) -> Simulation:
        output = self.network.output
        names = [self.network.input.name, *(p.name for p in self.network.populations)]
        outputs = self.spike_sums[output.name] if output.fires else self.output_potential
        flat = {name: self.spike_sums[name].reshape(self.samples, -1) for name in names}
        return Simulation(
            outputs=outputs.reshape(self.samples, -1).astype(np.int64),
            spike_counts={name: sums.sum(axis=1, dtype=np.int64) for name, sums in flat.items()},
            synaptic_operations=synaptic_operations(self.network, flat),
            spikes={name: self.recorded[name] for name in names} if self.record else None,
        )


class _State:
    """The states of a population's neurons and the spikes they have sent."""

    def __init__(self, layer: Layer, steps: int, samples: int) -> None:
        self.layer = layer
        self.current = np.zeros((samples, layer.size), layer.state_type)
        self.potential = np.repeat(layer.initial_potential[None], samples, axis=0)
        self.spikes = np.empty((steps, samples, layer.size), np.uint8)
        self.spike_sums = np.zeros((samples, layer.size), np.int32)

    def advance(self, sums: np.ndarray, shown: np.ndarray, steps: slice) -> None:
        """Take the steps `steps`, in which the frames `shown` of `sums` arrive."""
        advance(self.layer.neurons, sums, shown, self.current, self.potential, self.spikes[steps], self.spike_sums)

    @property
    def shaped_spikes(self) -> np.ndarray:
        """(steps, samples, *shape)."""
        return self.spikes.reshape(*self.spikes.shape[:2], *self.layer.population.shape)
