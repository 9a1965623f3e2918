"""One population of the CPU backend with all that reaches it, in the number types that are exact for it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.backends._cpu.lif import Neurons, advance, neurons_of
from snn_deploy.deploy.backends._cpu.limits import state_type, sum_type
from snn_deploy.deploy.backends._cpu.synapses import Synapses, synapses_of
from snn_deploy.export.proof.prove_bounds import bounds_of
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation

# Currents, potentials and rises of thresholds, (samples, neurons) each; no rises where no threshold adapts.
States = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Layer:
    """A population, its neurons' parameters and its incoming synapses, ready to run."""

    population: IntegerPopulation
    neurons: Neurons
    synapses: tuple[Synapses, ...]
    sum_type: type[np.floating]
    state_type: type[np.signedinteger]

    @property
    def size(self) -> int:
        """The number of neurons."""
        return int(np.prod(self.population.shape))

    def at_rest(self, samples: int) -> States:
        """Return the states before the first step, channels last."""
        values = self.population.initial_value.astype(self.state_type)
        potentials = np.tile(values, (samples, self.size // len(values)))
        rises = np.zeros((samples, self.size) if self.population.adapts else (0, 0), self.state_type)
        return np.zeros((samples, self.size), self.state_type), potentials, rises


def layer_of(network: IntegerNetwork, population: IntegerPopulation, path: str | None = None) -> Layer:
    """Return `population` prepared for running; with `path` (_cpu/paths/) wherever that is exact."""
    synapses = tuple(synapses_of(network, c, path) for c in network.connections_to(population.name))
    # All sums are multiples of 2^least, so a float type holds them exactly when it holds them divided by it.
    least = min(s.connection.exponent for s in synapses)
    largest = sum(s.bounds.largest_sum << (s.connection.exponent - least) for s in synapses)
    states = state_type(largest << least)
    can_overflow = bounds_of(network, population).can_overflow
    neurons = neurons_of(population, states, largest << least, can_overflow=can_overflow)
    return Layer(population, neurons, synapses, sum_type(largest), states)


def compile_kernels(layer: Layer) -> None:
    """Compile what running `layer` will call, where no earlier run on this machine left it on disk."""
    for synapses in layer.synapses:
        synapses.compile_kernels()
    forgotten = np.zeros((0, 0), layer.state_type)
    advance(
        layer.neurons,
        np.zeros((1, 1, layer.size), layer.sum_type),
        np.zeros(0, np.int64),  # no steps, so that nothing is computed
        forgotten,
        forgotten,
        forgotten,
        np.zeros((0, 1, layer.size), np.uint8),
        np.zeros((1, layer.size), np.int32),
        np.zeros((2, 1), np.int64) if layer.neurons.can_overflow else None,
    )


def arriving(
    layer: Layer, sources: Mapping[str, np.ndarray], past: Mapping[str, np.ndarray], steps: int, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what reaches the population from complete `sources`: (frames, samples, neurons) and (steps,).

    sources: name -> (frames, samples, *shape, channels last) uint8; a single frame stands for the same one in every
    step. past: source -> the frames before these, as many as its longest delay, where there were any.
    The second array names the frame of each step, -1 where nothing arrives. Synapses of other sources are left out.
    """
    heard = [
        (s, max(0, s.connection.delay - len(past.get(s.connection.source, ()))))
        for s in layer.synapses
        if s.connection.source in sources
    ]
    heard = [(synapses, first) for synapses, first in heard if first < steps]
    if len(heard) == 1:
        ((synapses, first),) = heard
        frames = _sums(layer, synapses, sources, past, steps)
        shown = np.arange(steps) - first if len(frames) == steps - first else np.where(np.arange(steps) < first, -1, 0)
        return frames, np.maximum(shown, -1)
    total = np.zeros((steps if heard else 1, samples, layer.size), layer.sum_type)
    for synapses, first in heard:
        total[first:] += _sums(layer, synapses, sources, past, steps)
    return total, np.arange(steps) if heard else np.full(steps, -1)


def _sums(
    layer: Layer,
    synapses: Synapses,
    sources: Mapping[str, np.ndarray],
    past: Mapping[str, np.ndarray],
    steps: int,
) -> np.ndarray:
    """Return the sums of the source's frames that arrive within the steps, in the layer's type."""
    c = synapses.connection
    values = sources[c.source]
    if c.delay and c.source in past:
        values = np.concatenate([past[c.source][-c.delay :], values])[:steps]
    else:
        values = values[: steps - c.delay]
    return scaled(synapses.deliver(values), synapses, layer.sum_type)


def scaled(sums: np.ndarray, synapses: Synapses, kind: type[np.floating]) -> np.ndarray:
    """Return `sums` times 2^exponent in the float type `kind`; exact, as only the float's exponent changes."""
    sums = sums.astype(kind, copy=False)
    exponent = synapses.connection.exponent
    return sums * kind(2**exponent) if exponent else sums
