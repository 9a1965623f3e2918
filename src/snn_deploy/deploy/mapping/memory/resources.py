"""resources: what blocks of neurons need of a core, under a profile's memory model.

The formulas are those of the profile, with their sources there. Weights take the bits that hold those of the block.
A profile with `core.synapse_memory_words` counts words (Loihi 1), one with `core.total_memory` bytes (Loihi 2). What
the profile has no number for is not counted. What else is not counted stands in NOT_COUNTED and is printed with a fit.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

from snn_deploy.deploy.mapping.cores.placement import Slice, Storage
from snn_deploy.deploy.mapping.memory.block_work import RESOURCE, BlockWork
from snn_deploy.deploy.mapping.memory.chip_delays import chip_delays
from snn_deploy.deploy.mapping.memory.synapse_lists import lists_of_axis, pixels_read
from snn_deploy.deploy.mapping.memory.synapse_memory import Encoding, Held, SynapseMemory
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.support.user_error import UserError

NOT_COUNTED = ("axon identifiers and atoms (pop16, pop32)",)
_ORDERS = "the order of neurons that connections of unlike layouts into one block would have to share"
ROOM = "blocks"  # on a core: a limit that says nothing about how full it is
_MARGINS = "for margins, what no chip has shown: that compartments without a neuron disturb nothing"
_SUB_LISTS = (
    "for sub-lists, what no chip has shown: that the lists of an axon's atoms may lie further apart than they are long "
    "(nengo-loihi has one length for both), and that the rest of a word is skipped within a list"
)
_OF_STORAGE = {"nengo-loihi": (), "margins": (_ORDERS, _MARGINS), "sub-lists": (_ORDERS, _MARGINS, _SUB_LISTS)}
_UNPUBLISHED = (
    "how Loihi 2 packs synapses and axons, which is not published: kernels and dense layers take what Intel's compiler "
    "gave those of one network, and the limits of axons are Loihi 1's",
)
DISTINCT = ("thresholds", "decays", "synapse formats")  # counted once a core, however many blocks have them


def not_counted(profile: HardwareProfile, storage: Storage) -> tuple[str, ...]:
    """Return what a fit on chips of `profile` does not count and what it assumes, with kernels stored so."""
    if not profile.find("core.synapse_memory_words"):
        return _UNPUBLISHED
    return (*NOT_COUNTED, *_OF_STORAGE[storage])


@dataclass(frozen=True)
class Need:
    """What a block needs of a core.

    amounts: resource -> how much; on a core they add up; neurons with the compartments that are left free for them.
    distinct: resource -> the different values, which blocks of a core share. delay_bits: of the longest delay.
    encodings: connection -> how its synapses are stored.
    """

    amounts: Counter[str]
    distinct: dict[str, frozenset[object]]
    delay_bits: int
    encodings: Mapping[str, str]


def require_neurocore(profile: HardwareProfile) -> None:
    """Raise UserError unless networks can be mapped on chips of `profile`."""
    if profile.kind != "neurocore":
        raise UserError(f"profile {profile.name!r} is of kind {profile.kind!r}; mapping needs a neurocore.")


def limits(profile: HardwareProfile) -> dict[str, tuple[int, str]]:
    """Return resource -> (the largest amount on one core, its source)."""
    found = {}
    for resource, name in (
        ("neurons", "core.max_neurons"),
        ("blocks", "core.max_blocks"),
        ("input axons", "core.max_in_axons"),
        ("output axons", "core.max_out_axons"),
        ("synapse words", "core.synapse_memory_words"),
        ("synapse bytes", "core.synapse_memory"),
        ("thresholds", "core.max_threshold_profiles"),
        ("decays", "core.max_compartment_profiles"),
        ("synapse formats", "core.max_synapse_formats"),
    ):
        quantity = profile.find(name)
        if quantity is not None:
            strict = resource == "synapse words" and profile.find("core.synapse_memory_limit_is_strict")
            found[resource] = (profile.whole(name) - bool(strict and strict.value), quantity.source)
    if profile.find("core.total_memory") is not None:
        total = math.floor(profile.number("core.usable_fraction") * profile.whole("core.total_memory"))
        found["memory bytes"] = (total, profile.quantity("model.memory.core_bytes").source)
    if profile.find("neuron.delay_compartment_rule") is not None:
        # The rule says 2^13 = 1024 * 8: as many slots as all neurons take with the delays that the chip starts with.
        slots = profile.whole("core.max_neurons") * profile.whole("neuron.delay_max_default")
        found["delay slots"] = (slots, profile.quantity("neuron.delay_compartment_rule").source)
    return found


def slots_of_maps(profile: HardwareProfile) -> int:
    """Return the output axon slots of one position of a map; 1 where the profile does not say."""
    return profile.whole("axon.out_slots_population") if profile.find("axon.out_slots_population") else 1


@dataclass(frozen=True)
class Model:
    """The memory model of a profile, for one network.

    between_chips: count every output axon as one that leaves its chip. Where a block's targets will lie is not known
    when it is cut, so this is what is sure to suffice for a network on several chips. storage: how kernels are stored.
    work: what the blocks keep a core busy with, where that is limited.
    """

    network: IntegerNetwork
    profile: HardwareProfile
    between_chips: bool = False
    storage: Storage = "nengo-loihi"
    work: BlockWork | None = field(init=False, repr=False, compare=False, default=None)
    memories: dict[str, SynapseMemory] = field(init=False, repr=False, compare=False)
    limits: dict[str, tuple[int, str]] = field(init=False, repr=False, compare=False)
    _needs: dict[tuple[object, ...], Need] = field(init=False, repr=False, compare=False, default_factory=dict)
    _kinds: dict[tuple[str, int, int, int], int] = field(init=False, repr=False, compare=False, default_factory=dict)
    _known_kinds: dict[object, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        delays, shape_of = chip_delays(self.network), self.network.shape_of
        known: dict[object, Held] = {}
        memories = {
            c.name: SynapseMemory(c, shape_of(c.source), self.profile, delays[c.name], self.storage, known)
            for c in self.network.connections
        }
        object.__setattr__(self, "memories", memories)
        object.__setattr__(self, "limits", limits(self.profile))

    def needs(self, blocks: Sequence[Slice]) -> list[Need]:
        """Return what each of the blocks of one core needs, without output axons.

        A core numbers the neurons of one of them first, so that its indices are no wider than if it were alone: that
        which would take the most words more.
        """
        if len(blocks) == 1:
            return [self.need(blocks[0])]
        alone, behind = ([self.need(b, is_behind=is_behind) for b in blocks] for is_behind in (False, True))
        more = [b.amounts["synapse words"] - a.amounts["synapse words"] for a, b in zip(alone, behind, strict=True)]
        first = more.index(max(more))
        return [alone[i] if i == first else need for i, need in enumerate(behind)]

    def need(self, part: Slice, *, is_behind: bool = False) -> Need:
        """Return what `part` needs, without its output axons. is_behind: whether another block lies before it."""
        axes = range(1, len(part.start))
        kinds = (self._kind(part.population, axis, part.start[axis], part.stop[axis]) for axis in axes)
        key = (part.population, part.start[0], part.stop[0], *kinds, is_behind)
        if key not in self._needs:
            self._needs[key] = self._need(part, is_behind)
        need = self._needs[key]
        if self.work is None:
            return need
        return replace(need, amounts=need.amounts + Counter({RESOURCE: self.work.of(part)}))

    def with_work(self, work: BlockWork) -> "Model":
        """Return this model with a limit on the work of a core; both know the blocks that either looked at."""
        found = copy(self)
        object.__setattr__(found, "work", work)
        object.__setattr__(found, "limits", limits(self.profile) | {RESOURCE: (work.most, "looked for")})
        return found

    def _kind(self, population: str, axis: int, start: int, stop: int) -> int:
        """Return a number that ranges of rows or columns have in common where they meet the same lists."""
        if (population, axis, start, stop) not in self._kinds:
            ranges = [(0, 1)] * 3
            ranges[axis] = start, stop
            line = Slice(population, tuple(a for a, _ in ranges), tuple(b for _, b in ranges))
            kind: list[object] = [population, axis, stop - start]
            for c in self.network.connections_to(population):
                source = self.network.shape_of(c.source)
                low, high = pixels_read(c, source, line.start, line.stop)[axis]
                kind.append((lists_of_axis(c, source, line, axis), high - low))
            number = self._known_kinds.setdefault(tuple(kind), len(self._known_kinds))
            self._kinds[population, axis, start, stop] = number
        return self._kinds[population, axis, start, stop]

    def use(self, part: Slice) -> Counter[str]:
        """Return resource -> amount of a core that holds `part` alone, without its output axons."""
        return self.joined([self.need(part)], 0)

    def joined(self, needs: Iterable[Need], output_axons: int) -> Counter[str]:
        """Return resource -> amount of a core that holds blocks with `needs`, and that sends to so many axons."""
        needs = list(needs)
        use = Counter({"output axons": output_axons}) if output_axons else Counter()
        for need in needs:
            use.update(need.amounts)
        allowed = self.limits
        for name in DISTINCT:
            if name in allowed:
                use[name] = len(frozenset[object]().union(*(n.distinct[name] for n in needs)))
        if "delay slots" in allowed:
            default = self.profile.whole("neuron.delay_max_default")
            use["delay slots"] = use["neurons"] * max(default, *(2**n.delay_bits for n in needs))
        if "memory bytes" in allowed:
            number = self.profile.whole
            total = number("core.bytes_program") + use["neurons"] * number("core.bytes_per_neuron_state")
            total += use["threshold rises"] * number("core.bytes_per_threshold_rise") if use["threshold rises"] else 0
            total += use["synapse bytes"] + use["input axons"] * number("core.bytes_per_in_axon")
            use["memory bytes"] = total + use["output axons"] * number("core.bytes_per_out_axon")
        return use

    def over(self, use: Counter[str]) -> list[tuple[str, int, int, str]]:
        """Return (resource, needed, allowed, source) of each limit that a core with `use` breaks."""
        return [(r, use[r], most, source) for r, (most, source) in self.limits.items() if use[r] > most]

    def slot_cost(self, c: IntegerConnection) -> int:
        """Return the output axon slots that one position (of a vector: one neuron) takes for each core it reaches."""
        maps = len(self.network.shape_of(c.source)) == 3
        extra = self.profile.find("axon.out_slots_cross_chip_extra") if self.between_chips else None
        more = self.profile.whole("axon.out_slots_cross_chip_extra") if extra else 0
        return (slots_of_maps(self.profile) if maps else 1) + more

    def _need(self, part: Slice, is_behind: bool) -> Need:
        population = next(p for p in self.network.populations if p.name == part.population)
        amounts: Counter[str] = Counter({"neurons": part.neurons})
        if self.profile.find("core.max_blocks"):
            amounts["blocks"] = 1
        if population.adapts:
            amounts["threshold rises"] = part.neurons
        channels = slice(part.start[0], part.stop[0])
        decays = zip(population.voltage_keep[channels], population.current_keep[channels], strict=True)
        formats, encodings, bits, free = set(), {}, 0, 0
        together = self._encoding_of_all(part, is_behind)
        for c in self.network.connections_to(part.population):
            memory = self.memories[c.name]
            read = pixels_read(c, memory.source, part.start, part.stop)
            extents = [max(0, b - a) for a, b in read]
            # One axon per position; of a vector, one per neuron.
            amounts["input axons"] += math.prod(extents[1:]) if len(extents) == 3 else extents[0]
            if self.profile.find("core.synapse_memory_words"):
                held = memory.held(part, is_behind=is_behind, encoding=together if c.weights.ndim == 4 else None)
                amounts["synapse words"] += held.words
                encoding: str = held.encoding
                free = max(free, held.free)
            else:
                size, encoding = memory.bytes(part)
                amounts["synapse bytes"] += size
            encodings[c.name], bits = encoding, max(bits, memory.delay_bits)
            least, most = memory.weights_between(part)
            signs, width = (least < 0, most > 0), memory.weight_bits(part)
            formats.add((c.exponent, signs, width, memory.delay_bits, encoding))
        amounts["neurons"] += free
        distinct: dict[str, frozenset[object]] = {
            "thresholds": frozenset(population.threshold[channels].tolist()) if population.fires else frozenset(),
            "decays": frozenset((int(v), int(u)) for v, u in decays),
            "synapse formats": frozenset(formats),
        }
        return Need(amounts, distinct, bits, encodings)

    def _encoding_of_all(self, part: Slice, is_behind: bool) -> Encoding | None:
        """Return the encoding of all convolutions into a block of a map, which number its neurons alike.

        None where there is none to agree on: a single one, or neurons at one position, or layouts beyond the two.
        """
        memories = [self.memories[c.name] for c in self.network.connections_to(part.population) if c.weights.ndim == 4]
        if (
            len(memories) < 2
            or math.prod(part.shape[1:]) == 1
            or self.storage != "nengo-loihi"
            or not self.profile.find("core.synapse_memory_words")
        ):
            return None
        words: dict[Encoding, int] = {
            encoding: sum(memory.held(part, is_behind=is_behind, encoding=encoding).words for memory in memories)
            for encoding in ("dense", "sparse")
        }
        return "sparse" if words["sparse"] < words["dense"] else "dense"
