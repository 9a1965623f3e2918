"""partition: the populations of a network cut into blocks that fit on cores, small blocks packed together.

Each population is cut into a grid of rows, columns and channels (cuts.py); the last populations are cut first, so that
the output axons of those before them are known. Where a chip's compiler cuts maps into strips (strips.py), they are
tried first. Nothing is random.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from snn_deploy.deploy.mapping.cores.mesh import cores_per_chip
from snn_deploy.deploy.mapping.cores.placement import Slice, Storage, require_storage
from snn_deploy.deploy.mapping.cutting.choose_cuts import choose_cuts
from snn_deploy.deploy.mapping.cutting.cuts import Cut, cuts, part
from snn_deploy.deploy.mapping.cutting.packing import packed
from snn_deploy.deploy.mapping.cutting.strips import cuts_in_strips, strips
from snn_deploy.deploy.mapping.memory.out_axons import Listeners, listeners
from snn_deploy.deploy.mapping.memory.resources import Model, limits, require_neurocore
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.support.user_error import UserError

_ROUNDS = 20  # a guess: each makes a population of a loop that sends too much a fifth finer
Blocks = Mapping[str, Sequence[Slice]]
# Given the cuts of each population that fit, in which order to try them.
Choose = Callable[[Model, dict[str, list[Cut]]], dict[str, list[Cut]]]


@dataclass(frozen=True)
class Violation:
    """A limit that even one neuron on a core of its own breaks, or that no cut was found for."""

    population: str
    resource: str
    needed: int
    allowed: int
    source: str

    def __str__(self) -> str:
        return (
            f"population {self.population!r} needs {self.needed} {self.resource} on one core; "
            f"{self.allowed} are allowed (source: {self.source})"
        )


@dataclass(frozen=True)
class Partition:
    """cores: the blocks on each core, in the order of the network; uses: what each core needs; violations: all.

    storage: how kernels are stored in synapse memory.
    """

    cores: tuple[tuple[Slice, ...], ...]
    uses: tuple[Counter[str], ...]
    violations: tuple[Violation, ...]
    storage: Storage = "nengo-loihi"


def partition(network: IntegerNetwork, profile: HardwareProfile, storage: Storage = "nengo-loihi") -> Partition:
    """Return the blocks of every core; where populations do not fit, no cores but all violations.

    storage: how kernels are stored in synapse memory, where the profile counts its words.
    """
    require_neurocore(profile)
    require_storage(storage)
    model = Model(network, profile, storage=storage)
    neurons = sum(math.prod(p.shape) for p in network.populations)
    if neurons <= cores_per_chip(profile) * limits(profile)["neurons"][0]:
        found = partition_of(model)
        if len(found.cores) <= cores_per_chip(profile):
            return found
    return partition_of(Model(network, profile, between_chips=True, storage=storage))


def _fewest_first(model: Model, found: dict[str, list[Cut]]) -> dict[str, list[Cut]]:
    return {name: sorted(these, key=lambda cut: cut.blocks) for name, these in found.items()}


FEWEST_CORES: tuple[Choose, ...] = (choose_cuts, _fewest_first)


def partition_of(model: Model, choices: Sequence[Choose] = FEWEST_CORES) -> Partition:
    """Return the partition with the fewest cores of those that each of `choices` makes.

    FEWEST_CORES are cuts that are chosen together, and the fewest blocks of each population.
    """
    known: dict[tuple[str, int, bool], list[Cut]] = {}

    def cuts_of(p: IntegerPopulation, least: int, in_strips: bool) -> list[Cut]:
        if (p.name, least, in_strips) not in known:
            known[p.name, least, in_strips] = _possible(model, p, least, in_strips)
        return known[p.name, least, in_strips]

    found: list[Partition] = []
    for in_strips in (True, False) if cuts_in_strips(model.profile) else (False,):
        found = [_cut(model, partial(cuts_of, in_strips=in_strips), choose) for choose in choices]
        fitting = [partition for partition in found if not partition.violations]
        if fitting:
            return min(fitting, key=lambda partition: len(partition.cores))
    order = [p.name for p in model.network.populations]
    violations = sorted(found[0].violations, key=lambda v: order.index(v.population))
    return Partition((), (), tuple(violations), model.storage)


def _cut(
    model: Model,
    cuts_of: Callable[[IntegerPopulation, int], list[Cut]],
    choose: Choose,
) -> Partition:
    """Return the network in blocks: of each population the first cut of `choose` whose blocks can send."""
    populations = model.network.populations
    least = dict.fromkeys((p.name for p in populations), 1)
    for _ in range(_ROUNDS):
        ordered = choose(model, {p.name: cuts_of(p, least[p.name]) for p in populations})
        blocks: dict[str, list[Slice]] = {}
        violations: list[Violation] = []
        for p in reversed(populations):
            known = _heard(model, p.name, blocks)
            grid = _first_that_sends(model, ordered[p.name], known)
            if grid is None:
                violations += _of_the_smallest(model, p, ordered[p.name], known)
            else:
                blocks[p.name] = grid
        if violations:
            return Partition((), (), tuple(violations))
        heard = {name: _heard(model, name, blocks) for name in blocks}
        slots = {block: _slots(heard[name], block) for name, parts in blocks.items() for block in parts}
        over = {
            block.population: Violation(block.population, *broken)
            for block in slots
            for broken in model.over(model.joined([model.need(block)], slots[block]))
        }
        if not over:
            in_order = [block for p in populations for block in blocks[p.name]]
            return Partition(*packed(model, in_order, slots), (), model.storage)
        for name in over:  # it sends back to a population that was not cut yet when it was
            least[name] = max(len(blocks[name]) + 1, int(1.2 * len(blocks[name])))
    return Partition((), (), tuple(over.values()))


def _possible(model: Model, p: IntegerPopulation, least: int, in_strips: bool) -> list[Cut]:
    """Return the cuts to choose from. Where strips are the rule, no other cut keeps columns whole."""
    if not cuts_in_strips(model.profile) or len(p.shape) != 3:
        return cuts(model, p, least)
    found = strips(model, p, least)
    if found and in_strips:
        return found
    return [*found, *(cut for cut in cuts(model, p, least) if len(cut.edges[0]) > 1 or len(cut.edges[1]) > 1)]


def _heard(model: Model, name: str, blocks: Blocks) -> list[Listeners]:
    """Return who hears the population `name`, as far as it is known."""
    to_known = [c for c in model.network.connections if c.source == name and c.target in blocks]
    return [listeners(model, c, blocks[c.target]) for c in to_known]


def _slots(heard: Sequence[Listeners], block: Slice) -> int:
    return sum(h.slots(block) for h in heard)


def _first_that_sends(model: Model, found: Sequence[Cut], heard: Sequence[Listeners]) -> list[Slice] | None:
    """Return the blocks of the first cut that fits with all output axons."""
    most = limits(model.profile)["output axons"][0]
    for cut in found:
        parts = cut.parts()
        # The middle one sends most, as a rule.
        if _slots(heard, parts[len(parts) // 2]) <= most and all(_fits(model, block, heard) for block in parts):
            return parts
    return None


def _of_the_smallest(
    model: Model, p: IntegerPopulation, found: Sequence[Cut], heard: Sequence[Listeners]
) -> Iterator[Violation]:
    """Yield the most of what one neuron breaks on a core of its own; where none does, a block of the finest cut."""
    places = product(*(sorted({0, n // 2, n - 1}) for n in p.shape[1:]))  # all channels, and the edges of a map
    singles = (
        part(p.name, [(i, i + 1) for i in (channel, *place)]) for place in places for channel in range(p.shape[0])
    )
    finest = max(found, key=lambda cut: cut.blocks).parts() if found else []
    for blocks in (singles, finest):
        worst: dict[str, tuple[str, int, int, str]] = {}
        for block in blocks:
            for broken in model.over(model.joined([model.need(block)], _slots(heard, block))):
                worst[broken[0]] = max(worst.get(broken[0], broken), broken, key=lambda b: b[1])
        if worst:
            break
    for broken in worst.values():
        yield Violation(p.name, *broken)


def _fits(model: Model, block: Slice, heard: Sequence[Listeners]) -> bool:
    return not model.over(model.joined([model.need(block)], _slots(heard, block)))


def require_fit(found: Partition) -> None:
    """Raise UserError with every violation of `found`, where there is one."""
    if found.violations:
        raise UserError("the network does not fit: " + "; ".join(map(str, found.violations)) + ".")
