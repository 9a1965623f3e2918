"""split_network: a network as its cores see it, each core's neurons a population of their own.

Between two cores there is a connection only where a synapse crosses from one to the other, and it holds only the
synapses between the neurons of these two. So a mapping that forgets, doubles or confuses neurons or synapses is found
by running it: the spikes, put together again, must be those of the whole network.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.running.event_counts import simulation_from_spikes
from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.deploy.running.synapse_matrix import convolution_matrix, dense_matrix
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.value_reading import KEY
from snn_deploy.support.user_error import UserError

_ALL_CORES = -1  # of a population that is not split


@dataclass(frozen=True)
class Part:
    """The neurons of one population on one core. neurons: their numbers, in the order channel, row, column."""

    population: str
    core: int
    neurons: np.ndarray

    @property
    def name(self) -> str:
        """The name of the part's population in the split network."""
        return f"{self.population}.core{self.core}" if self.core != _ALL_CORES else f"{self.population}.whole"


@dataclass(frozen=True)
class Split:
    """The network of the cores, and what each of its populations is a part of."""

    network: IntegerNetwork
    whole: IntegerNetwork
    parts: tuple[Part, ...]

    def simulation(self, found: Simulation, *, record: bool = False) -> Simulation:
        """Return what a simulation of the split network, with spikes, is of the whole one."""
        assert found.spikes is not None
        spikes, read = self.together(found.spikes), found.outputs_by_step
        return simulation_from_spikes(self.whole, found.outputs, spikes, record=record, outputs_by_step=read)

    def together(self, spikes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return population -> (steps, samples, *shape) of the whole network, from the spikes of the parts."""
        name = self.whole.input.name
        found = {name: spikes[name]}
        for population in self.whole.populations:
            leading = spikes[name].shape[:2]
            flat = np.zeros((*leading, int(np.prod(population.shape))), np.uint8)
            for part in self.parts:
                if part.population == population.name:
                    flat[..., part.neurons] = spikes[part.name]
            found[population.name] = flat.reshape(*leading, *population.shape)
        return found


def split_network(network: IntegerNetwork, core_of: Mapping[str, np.ndarray]) -> Split:
    """Return `network` with its populations cut up by core.

    core_of: population -> the number of each neuron's core, of the population's shape. A network has one output, so
    that of the split network is whole; its synapses still come core by core.
    """
    parts = {p.name: _parts(p, core_of) for p in network.populations}
    placed = dict(parts)
    if len(parts[network.output.name]) > 1:
        parts[network.output.name] = (_whole(network.output),)
    sizes = {p.name: int(np.prod(p.shape)) for p in network.populations}
    populations = tuple(_part_population(p, part, sizes[p.name]) for p in network.populations for part in parts[p.name])
    connections: list[IntegerConnection] = []
    for c in network.connections:
        connections += _crossings(network, c, parts, placed)
    reached = {c.target for c in connections}
    for c in network.connections:  # a neuron that hears nothing is still there: it may have a bias
        silent = [part for part in parts[c.target] if part.name not in reached]
        connections += [_silence(network, part) for part in silent]
        reached |= {part.name for part in silent}
    read = {KEY: network.provenance[KEY]} if KEY in network.provenance else {}
    split = IntegerNetwork(network.input, populations, tuple(connections), network.steps, read)
    return Split(split, network, tuple(part for these in parts.values() for part in these))


def _parts(population: IntegerPopulation, core_of: Mapping[str, np.ndarray]) -> tuple[Part, ...]:
    cores = core_of.get(population.name)
    if cores is None or cores.shape != population.shape:
        found = "none" if cores is None else f"those of shape {cores.shape}"
        raise UserError(f"population {population.name!r} of shape {population.shape} has no such cores, but {found}.")
    flat = cores.ravel()
    return tuple(Part(population.name, int(core), np.flatnonzero(flat == core)) for core in np.unique(flat))


def _part_population(population: IntegerPopulation, part: Part, size: int) -> IntegerPopulation:
    channel = part.neurons // (size // population.shape[0])
    p = population
    return IntegerPopulation(
        part.name,
        (len(part.neurons),),
        threshold=p.threshold[channel],
        voltage_keep=p.voltage_keep[channel],
        current_keep=p.current_keep[channel],
        bias=p.bias[channel],
        fires=p.fires,
        reset=p.reset,
        reset_value=p.reset_value[channel],
        initial_value=p.initial_value[channel],
        threshold_step=p.threshold_step[channel],
        threshold_keep=p.threshold_keep[channel],
    )


def _whole(population: IntegerPopulation) -> Part:
    return Part(population.name, _ALL_CORES, np.arange(np.prod(population.shape)))


def _crossings(
    network: IntegerNetwork,
    c: IntegerConnection,
    parts: Mapping[str, tuple[Part, ...]],
    placed: Mapping[str, tuple[Part, ...]],
) -> list[IntegerConnection]:
    """Return the connections between the parts of the source (the input is one) and the placed parts of the target."""
    matrix = _matrix(network, c)
    found = []
    for target in placed[c.target]:
        end = parts[c.target][0] if len(parts[c.target]) == 1 else target
        rows = matrix[target.neurons]
        for source in parts.get(c.source, (None,)):
            block = rows if source is None else rows[:, source.neurons]
            if block.nnz:
                name = f"{c.name}.to{target.core}" + (f".from{source.core}" if source else "")
                weights = np.zeros((len(end.neurons), block.shape[1]), np.int16)
                weights[np.searchsorted(end.neurons, target.neurons)] = block.toarray()
                start = source.name if source else c.source
                found.append(IntegerConnection(name, start, end.name, weights, c.exponent, delay=c.delay))
    return found


def _silence(network: IntegerNetwork, part: Part) -> IntegerConnection:
    weights = np.zeros((len(part.neurons), int(np.prod(network.input.shape))), np.int8)
    return IntegerConnection(f"silence.to.{part.name}", network.input.name, part.name, weights)


def _matrix(network: IntegerNetwork, c: IntegerConnection) -> csr_matrix:
    """Return the synapses (targets, sources), without those of weight 0, in the order channel, row, column."""
    source, target = network.shape_of(c.source), network.shape_of(c.target)
    matrix = csr_matrix(dense_matrix(c, source)) if c.weights.ndim == 2 else convolution_matrix(c, source)
    return matrix[_lava_numbers(target)][:, _lava_numbers(source)]


def _lava_numbers(shape: tuple[int, ...]) -> np.ndarray:
    """Return the number that each neuron has in the matrices' order: width first, channels last."""
    return np.arange(np.prod(shape)).reshape(shape[::-1]).transpose().ravel()
