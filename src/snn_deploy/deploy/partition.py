"""partition: the populations of a network cut into boxes that fit on cores, small boxes packed together.

Each population is cut into a grid of rows, columns and channels (cuts.py); the last populations are cut first, so that
the output axons of those before them are known. Nothing is random.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snn_deploy.deploy.choose_cuts import choose_cuts
from snn_deploy.deploy.cuts import Cut, cuts, part
from snn_deploy.deploy.mesh import cores_per_chip
from snn_deploy.deploy.out_axons import Listeners, listeners
from snn_deploy.deploy.packing import packed
from snn_deploy.deploy.placement import Slice
from snn_deploy.deploy.resources import Model, limits, require_neurocore
from snn_deploy.export.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.user_error import UserError

_ROUNDS = 20  # a guess: each makes a population of a loop that sends too much a fifth finer
Boxes = Mapping[str, Sequence[Slice]]


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
    """cores: the boxes on each core, in the order of the network; uses: what each core needs; violations: all."""

    cores: tuple[tuple[Slice, ...], ...]
    uses: tuple[Counter[str], ...]
    violations: tuple[Violation, ...]


def partition(network: IntegerNetwork, profile: HardwareProfile) -> Partition:
    """Return the boxes of every core; where populations do not fit, no cores but all violations."""
    require_neurocore(profile)
    model = Model(network, profile)
    neurons = sum(math.prod(p.shape) for p in network.populations)
    if neurons <= cores_per_chip(profile) * limits(profile)["neurons"][0]:
        found = _partition(model)
        if len(found.cores) <= cores_per_chip(profile):
            return found
    return _partition(Model(network, profile, between_chips=True))


def _partition(model: Model) -> Partition:
    populations = model.network.populations
    least = dict.fromkeys((p.name for p in populations), 1)
    violations = [*_delay_violations(model)]
    for _ in range(_ROUNDS):
        found = {p.name: cuts(model, p, least[p.name]) for p in populations}
        ordered = choose_cuts(model, found)
        boxes: dict[str, list[Slice]] = {}
        for p in reversed(populations):
            known = _heard(model, p.name, boxes)
            grid = _first_that_sends(model, ordered[p.name], known)
            if grid is None:
                violations += _of_one_neuron(model, p, known)
            else:
                boxes[p.name] = grid
        if violations:
            order = [p.name for p in populations]
            return Partition((), (), tuple(sorted(violations, key=lambda v: order.index(v.population))))
        heard = {name: _heard(model, name, boxes) for name in boxes}
        slots = {box: _slots(heard[name], box) for name, parts in boxes.items() for box in parts}
        over = {box.population for box in slots if model.over(model.joined([model.need(box)], slots[box]))}
        if not over:
            in_order = [box for p in populations for box in boxes[p.name]]
            return Partition(*packed(model, in_order, slots), ())
        for name in over:  # it sends back to a population that was not cut yet when it was
            least[name] = max(len(boxes[name]) + 1, int(1.2 * len(boxes[name])))
    worst = {
        box.population: Violation(box.population, *broken)
        for box in slots
        for broken in model.over(model.joined([model.need(box)], slots[box]))
    }
    return Partition((), (), tuple(worst.values()))


def _delay_violations(model: Model) -> Iterator[Violation]:
    longest = model.profile.find("neuron.delay_max")
    if longest is None:
        return
    allowed = model.profile.whole("neuron.delay_max")
    for c in model.network.connections:
        delay = model.memories[c.name].delay
        if delay > allowed:
            yield Violation(c.target, f"steps of delay ({c.name})", delay, allowed, longest.source)


def _heard(model: Model, name: str, boxes: Boxes) -> list[Listeners]:
    """Return who hears the population `name`, as far as it is known."""
    to_known = [c for c in model.network.connections if c.source == name and c.target in boxes]
    return [listeners(model, c, boxes[c.target]) for c in to_known]


def _slots(heard: Sequence[Listeners], box: Slice) -> int:
    return sum(h.slots(box) for h in heard)


def _first_that_sends(model: Model, found: Sequence[Cut], heard: Sequence[Listeners]) -> list[Slice] | None:
    """Return the boxes of the first cut that fits with all output axons."""
    most = limits(model.profile)["output axons"][0]
    for cut in found:
        parts = cut.parts()
        # The middle one sends most, as a rule.
        if _slots(heard, parts[len(parts) // 2]) <= most and all(_fits(model, box, heard) for box in parts):
            return parts
    return None


def _of_one_neuron(model: Model, p: IntegerPopulation, heard: Sequence[Listeners]) -> Iterator[Violation]:
    """Yield what even one neuron breaks; where that is nothing, the output axons of the smallest boxes there are."""
    single = part(p.name, [(0, 1)] * len(p.shape))
    broken = model.over(model.joined([model.need(single)], _slots(heard, single)))
    if not broken:
        most, source = limits(model.profile)["output axons"]
        middle = part(p.name, [(n // 2, n // 2 + 1) for n in p.shape])
        broken = [("output axons", max(most + 1, _slots(heard, middle)), most, source)]
    for what in broken:
        yield Violation(p.name, *what)


def _fits(model: Model, box: Slice, heard: Sequence[Listeners]) -> bool:
    return not model.over(model.joined([model.need(box)], _slots(heard, box)))


def require_fit(found: Partition) -> None:
    """Raise UserError with every violation of `found`, where there is one."""
    if found.violations:
        raise UserError("the network does not fit: " + "; ".join(map(str, found.violations)) + ".")
