"""core_events: what happens on every core and link in every step of every sample, on a chip.

Steps are the network's: a chip's layers lag behind each other (layer_times.py), which moves events and changes none,
but for samples that stop early: there earlier layers have gone on while the output was on its way (chip_steps.py).
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.energy.core_messages import CoreMessages, core_messages
from snn_deploy.deploy.energy.core_operations import CoreOperations, core_operations, operations_of_weights
from snn_deploy.deploy.exits.chip_steps import chip_steps, steps_done
from snn_deploy.deploy.exits.up_to import up_to
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.simulation import Progress, as_frames
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.layer_times import schedule

_GROUP = 4  # compartments are updated in groups: NL hardware/builder.py:282-287, `model.estimate.n_alloc` of loihi1
_VALUES_AT_A_TIME = 1 << 25  # recorded spikes in memory, one byte each


@dataclass(frozen=True)
class CoreEvents:
    """Events of some samples on the cores of a placement.

    operations: connection -> (samples,), synaptic operations that arrive. operations_of_weights: those of them whose
    weight is not 0. core_operations, core_spikes: (samples,
    steps, cores), those at the core's synapses and those of its neurons. compartments: (cores,), allocated, in whole
    groups of four, with those that are left free. neurons: of them, those of the network. messages: (samples,),
    spikes from core to core, once for each core that hears one. hops_east_west, hops_north_south, borders: (samples,),
    hops of all messages on a chip, and between chips. busiest_links: (samples, steps), spikes over the busiest link.
    farthest: hops of the longest route, (east-west, north-south). depth: steps that the output lags behind the input on
    the chip. tiles: in use, on the chip that uses most. exits: (samples,), the step in which the output of each
    stops, from 1, or None where all take every step. reads: (samples,), how often their output is read (reading.py),
    or None where that is not counted. updates: (samples,), of the network's neurons, in all steps.
    """

    operations: Mapping[str, np.ndarray]
    operations_of_weights: Mapping[str, np.ndarray]
    core_operations: np.ndarray
    core_spikes: np.ndarray
    compartments: np.ndarray
    neurons: int
    messages: np.ndarray
    hops_east_west: np.ndarray
    hops_north_south: np.ndarray
    borders: np.ndarray
    busiest_links: np.ndarray
    farthest: tuple[int, int]
    depth: int
    chips: int
    tiles: int
    updates: np.ndarray
    exits: np.ndarray | None = None
    reads: np.ndarray | None = None

    @property
    def chip_steps(self) -> np.ndarray:
        """Steps of the chip from a sample's first to its last output, (samples,)."""
        last = np.full(self.samples, self.steps) if self.exits is None else self.exits
        return chip_steps(last, self.depth)

    @property
    def steps(self) -> int:
        """Of the network."""
        return int(self.core_operations.shape[1])

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.core_operations)


def measured_events(
    network: IntegerNetwork,
    placement: Placement,
    inputs: np.ndarray,
    profile: HardwareProfile,
    progress: Progress | None = None,
    exits: np.ndarray | None = None,
) -> CoreEvents:
    """Return the events of `inputs` (see simulation.as_frames), run on the CPU simulator; in memory only some.

    exits: see core_events.
    """
    frames, cpu = as_frames(network, inputs), load_backend("cpu")
    neurons = sum(math.prod(p.shape) for p in network.populations) + math.prod(network.input.shape)
    size = max(1, _VALUES_AT_A_TIME // (network.steps * neurons))

    def parts() -> Iterator[Mapping[str, np.ndarray]]:
        for start in range(0, frames.shape[1], size):
            spikes = cpu.run(network, frames[:, start : start + size], record=True, progress=progress).spikes
            assert spikes is not None  # record=True
            yield spikes

    return core_events(network, placement, parts(), profile, exits)


def core_events(
    network: IntegerNetwork,
    placement: Placement,
    parts: Iterable[Mapping[str, np.ndarray]],
    profile: HardwareProfile,
    exits: np.ndarray | None = None,
) -> CoreEvents:
    """Return the events of all samples of `parts`: population or input -> (steps, samples, *shape) each.

    A graded input counts every value that is not zero as one spike. exits: (samples,), the step in which each stops,
    from 1, and up to which its output is read in every step; None: after the last. A spike that was sent counts where
    it arrives, whatever is done with it there.
    """
    counter = _counter(network, placement, profile)
    done = None if exits is None else steps_done(network, exits)
    counted = [counter.count(spikes) for spikes in (parts if done is None else _up_to(parts, done))]
    joined = {name: np.concatenate([part[name] for part in counted]) for name in counted[0]}
    neurons = {p.name: math.prod(p.shape) for p in network.populations}
    samples = len(joined["messages"])
    updates = np.zeros(samples)
    for name, count in neurons.items():
        updates += count * (network.steps if done is None else done[name])
    farthest = max((m.farthest for m in counter.messages.values()), key=sum)
    return CoreEvents(
        operations={c.name: joined[f"operations/{c.name}"] for c in network.connections},
        operations_of_weights={c.name: joined[f"of_weights/{c.name}"] for c in network.connections},
        core_operations=joined["core_operations"],
        core_spikes=joined["core_spikes"],
        compartments=compartments(network, placement, profile),
        neurons=sum(neurons.values()),
        messages=joined["messages"],
        hops_east_west=joined["east_west"],
        hops_north_south=joined["north_south"],
        borders=joined["borders"],
        busiest_links=joined["busiest_links"],
        farthest=farthest,
        depth=schedule(network).depth,
        chips=placement.chips,
        tiles=max(Counter(chip for chip, _ in {(core.chip, core.tile) for core in placement.cores}).values()),
        updates=updates,
        exits=exits,
        reads=exits,
    )


def _up_to(
    parts: Iterable[Mapping[str, np.ndarray]], done: Mapping[str, np.ndarray]
) -> Iterator[dict[str, np.ndarray]]:
    """Yield `parts` without what does not happen any more. done: population or input -> (samples,), of all parts."""
    start = 0
    for spikes in parts:
        end = start + next(iter(spikes.values())).shape[1]
        yield {name: up_to(values, done[name][start:end]) for name, values in spikes.items()}
        start = end


def compartments(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> np.ndarray:
    """Return (cores,): how many compartments each core updates in a step, in whole groups, with those left free."""
    used = sum(
        np.bincount(core_of, minlength=len(placement.cores))
        for p in network.populations
        for core_of in [placement.core_of(p.name, p.shape).ravel()]
    )
    used += _left_free(network, placement, profile)
    return (_GROUP * np.ceil(used / _GROUP)).astype(np.int64)


def _left_free(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> np.ndarray:
    """Return (cores,): the compartments that are left free beside the neurons; they are updated like all others."""
    found = np.zeros(len(placement.cores), np.int64)
    if placement.storage != "nengo-loihi":
        model = Model(network, profile, storage=placement.storage)
        for i, core in enumerate(placement.cores):
            needs = model.needs(core.slices)
            found[i] = sum(need.amounts["neurons"] for need in needs) - sum(part.neurons for part in core.slices)
    return found


@dataclass(frozen=True)
class _Counter:
    """What turns spikes into events. own: population -> (neurons, cores), 1 where a core holds a neuron."""

    network: IntegerNetwork
    cores: int
    operations: Mapping[str, CoreOperations]
    of_weights: Mapping[str, CoreOperations]
    messages: Mapping[str, CoreMessages]
    own: Mapping[str, csr_matrix]

    def count(self, spikes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return event -> (samples, ...) of spikes, population or input -> (steps, samples, *shape)."""
        steps, samples = spikes[self.network.input.name].shape[:2]
        flat = {n: (s != 0).reshape(steps * samples, *s.shape[2:]) for n, s in spikes.items()}
        found: dict[str, np.ndarray] = {}
        operations = np.zeros((steps, samples, self.cores), np.float32)
        for c in self.network.connections:
            arriving = self.operations[c.name].of(flat[c.source]).reshape(steps, samples, self.cores)
            arriving = arriving[: max(0, steps - c.delay)]  # what is still on its way at the end arrives nowhere
            found[f"operations/{c.name}"] = arriving.sum(axis=(0, 2))
            of_weights = self.of_weights[c.name].of(flat[c.source]).reshape(steps, samples)
            found[f"of_weights/{c.name}"] = of_weights[: len(arriving)].sum(axis=0)
            operations[steps - len(arriving) :] += arriving
        fired = np.zeros((steps * samples, self.cores), np.float32)
        sums = {name: np.zeros(samples) for name in ("messages", "east_west", "north_south", "borders")}
        links: np.ndarray | float = 0.0
        for name, own in self.own.items():
            fired += (own.T @ flat[name].reshape(steps * samples, -1).T.astype(np.float64)).T
            sent, groups = self.messages[name], self.messages[name].spikes_of_groups(flat[name])
            for event, each in (
                ("messages", sent.sent),
                ("east_west", sent.east_west),
                ("north_south", sent.north_south),
                ("borders", sent.borders),
            ):
                sums[event] += (groups @ each).reshape(steps, samples).sum(axis=0)
            links = links + sent.links @ groups.T
        busiest = np.asarray(links).max(axis=0, initial=0.0).reshape(steps, samples)
        return {
            **found,
            **sums,
            "core_operations": operations.swapaxes(0, 1),
            "core_spikes": fired.reshape(steps, samples, self.cores).swapaxes(0, 1),
            "busiest_links": busiest.T,
        }


def _counter(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> _Counter:
    own = {}
    for p in network.populations:
        core_of = placement.core_of(p.name, p.shape).ravel()
        ones = np.ones(len(core_of))
        own[p.name] = csr_matrix((ones, (np.arange(len(core_of)), core_of)), (len(core_of), len(placement.cores)))
    return _Counter(
        network,
        len(placement.cores),
        core_operations(network, placement, profile),
        operations_of_weights(network),
        core_messages(network, placement, profile),
        own,
    )
