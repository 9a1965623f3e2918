"""partition: the populations of a network cut into boxes that fit on cores, small boxes packed together.

Each population is cut into a grid of rows, columns and channels; the grid with the fewest boxes that fits is taken.
Where the sources of many boxes then need too many output axons, they are cut finer. Nothing is random.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snn_deploy.deploy.placement import Slice
from snn_deploy.deploy.resources import Model, limits, require_neurocore
from snn_deploy.export.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.user_error import UserError

_ROUNDS = 60  # a guess: each makes a population that sends too much a fifth finer


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
    model, most = Model(network, profile), limits(profile)
    least = dict.fromkeys((p.name for p in network.populations), 1)
    boxes: dict[str, list[Slice]] = {}
    over: dict[str, Violation] = {}
    for _ in range(_ROUNDS):
        violations: list[Violation] = []
        for p in network.populations:
            grid = _grid(model, p, least[p.name], most)
            if isinstance(grid, list):
                boxes[p.name] = grid
            else:
                violations += grid or [over[p.name]]  # no finer cut is left for what it broke in the last round
        if violations:
            return Partition((), (), tuple(violations))
        slots = _output_axons(model, boxes)
        over = {}
        for box, count in slots.items():
            use = model.total(model.use(box) + Counter({"output axons": count}))
            for resource, (allowed, source) in most.items():
                if use[resource] > allowed:
                    over[box.population] = Violation(box.population, resource, use[resource], allowed, source)
        if not over:
            return _packed(model, boxes, slots, most)
        for name in over:
            least[name] = max(len(boxes[name]) + 1, int(1.2 * len(boxes[name])))
    return Partition((), (), tuple(over.values()))


def _grid(
    model: Model, p: IntegerPopulation, least: int, most: dict[str, tuple[int, str]]
) -> list[Slice] | tuple[Violation, ...]:
    """Return the boxes of the grid with the fewest, `least` at least; or what even one neuron breaks, maybe nothing."""
    neurons = most["neurons"][0]
    least = max(least, -(-math.prod(p.shape) // neurons))
    cuts = sorted(
        {tuple(_pieces(n, k) for n, k in zip(p.shape, counts, strict=True)) for counts in _counts(p.shape)},
        key=lambda c: (math.prod(c), c[0], sum(c)),
    )
    for counts in cuts:
        if math.prod(counts) < least:
            continue
        edges = [_edges(n, k) for n, k in zip(p.shape, counts, strict=True)]
        judged = [sorted({e[0], e[len(e) // 2], e[-1]}) for e in edges]
        if all(_fits(model, _slice(p.name, ranges), most) for ranges in itertools.product(*judged)):
            parts = [_slice(p.name, ranges) for ranges in itertools.product(*edges)]
            if all(_fits(model, part, most) for part in parts):
                return parts
    use = model.total(model.use(_slice(p.name, [(0, 1)] * len(p.shape))))
    return tuple(Violation(p.name, r, use[r], allowed, s) for r, (allowed, s) in most.items() if use[r] > allowed)


def _counts(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(sorted({_pieces(n, k) for k in range(1, n + 1)}) for n in shape))


def _pieces(n: int, k: int) -> int:
    """How many equal pieces (the last may be smaller) are made where about k are wanted."""
    return -(-n // -(-n // k))


def _edges(n: int, k: int) -> list[tuple[int, int]]:
    size = -(-n // k)
    return [(a, min(a + size, n)) for a in range(0, n, size)]


def _slice(name: str, pairs: Sequence[tuple[int, int]]) -> Slice:
    return Slice(name, tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def _fits(model: Model, part: Slice, most: dict[str, tuple[int, str]]) -> bool:
    use = model.total(model.use(part))
    return all(use[resource] <= allowed for resource, (allowed, _) in most.items())


def _output_axons(model: Model, boxes: dict[str, list[Slice]]) -> dict[Slice, int]:
    found = {box: 0 for parts in boxes.values() for box in parts}
    for c in model.network.connections:
        for source in boxes.get(c.source, ()):
            found[source] += sum(model.slots(c, source, target) for target in boxes[c.target])
    return found


def _packed(
    model: Model, boxes: dict[str, list[Slice]], slots: dict[Slice, int], most: dict[str, tuple[int, str]]
) -> Partition:
    """First fit, in the order of the network; axons that boxes of one core might share are counted for each."""
    cores: list[list[Slice]] = []
    uses: list[Counter[str]] = []
    for box in (b for parts in boxes.values() for b in parts):
        use = model.use(box) + Counter({"output axons": slots[box]})
        for i, filled in enumerate(uses):
            both = model.total(filled + use)
            if all(both[resource] <= allowed for resource, (allowed, _) in most.items()):
                cores[i].append(box)
                uses[i] = filled + use
                break
        else:
            cores.append([box])
            uses.append(use)
    return Partition(tuple(map(tuple, cores)), tuple(model.total(u) for u in uses), ())


def require_fit(found: Partition) -> None:
    """Raise UserError with every violation of `found`, where there is one."""
    if found.violations:
        raise UserError("the network does not fit: " + "; ".join(map(str, found.violations)) + ".")
