"""check_placement: what a placement breaks, counted synapse by synapse, slowly, without the ranges of resources.py.

Checked are the network's digest, that every neuron (and with it every synapse) is placed once, that every core lies on
the mesh, and on each core the neurons, blocks, input axons, output axons, thresholds, decays, slots of delayed synapses
and the synapse memory, in words or bytes as the profile counts it, as the placement says that kernels are stored. Where
a chip's compiler cuts maps into strips, a block that holds whole columns must be one; others are what is left where no
strip fits, which is not judged here.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import product

from snn_deploy.deploy.mapping.checking.count_sub_lists import Taken, count_sub_lists, not_worse
from snn_deploy.deploy.mapping.checking.count_synapse_bytes import count_synapse_bytes
from snn_deploy.deploy.mapping.checking.count_synapse_words import words_of_both
from snn_deploy.deploy.mapping.cores.mesh import mesh_tiles
from snn_deploy.deploy.mapping.cores.placement import Placement, Slice, Storage
from snn_deploy.deploy.mapping.memory.chip_delays import chip_delays
from snn_deploy.deploy.mapping.memory.resources import slots_of_maps
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError


def check_placement(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> list[str]:
    """Return a sentence for each thing that is wrong; an empty list where nothing is."""
    if placement.network_digest != network.digest:
        return ["the placement is of another network"]
    known = {p.name for p in network.populations}
    wrong = [
        f"{s.population!r} is no population" for c in placement.cores for s in c.slices if s.population not in known
    ]
    try:
        core_of = {p.name: placement.core_of(p.name, p.shape) for p in network.populations}
    except UserError as error:
        return [*wrong, str(error)]
    wrong += _off_the_mesh(placement, profile)
    slots = slots_of_maps(profile)
    neurons: dict[int, int] = defaultdict(int)
    heard: dict[int, set[object]] = defaultdict(set)
    sent: dict[int, set[object]] = defaultdict(set)
    thresholds: dict[int, set[object]] = defaultdict(set)
    decays: dict[int, set[object]] = defaultdict(set)
    delays = chip_delays(network)
    longest: dict[int, int] = defaultdict(int)
    for p in network.populations:
        for index in product(*map(range, p.shape)):
            here = int(core_of[p.name][index])
            neurons[here] += 1
            if p.fires:
                thresholds[here].add(int(p.threshold[index[0]]))
            decays[here].add((int(p.voltage_keep[index[0]]), int(p.current_keep[index[0]])))
            for c in network.connections_to(p.name):
                longest[here] = max(longest[here], delays[c.name])
                for synapse in arriving_synapses(c, network.shape_of(c.source), index):
                    place = synapse.index
                    pixel = place[1:] if len(place) == 3 else place
                    pooled = tuple(a // b for a, b in zip(pixel, c.pool, strict=True)) if len(place) == 3 else pixel
                    heard[here].add((c.name, pooled))
                    if c.source in core_of:
                        there = int(core_of[c.source][place])
                        leaves = placement.cores[there].chip != placement.cores[here].chip
                        extra = profile.find("axon.out_slots_cross_chip_extra") if leaves else None
                        more = profile.whole("axon.out_slots_cross_chip_extra") if extra else 0
                        for slot in range((slots if len(place) == 3 else 1) + more):
                            sent[there].add((c.name, here, pooled, slot))
    if placement.storage != "nengo-loihi" and profile.find("core.synapse_memory_words"):
        wrong += _cores_without_a_way(network, placement, profile, neurons)
    words = {
        i: min(
            sum(_words_of_block(network, p, profile, 0 if p is first else neurons[i]) for p in core.slices)
            for first in core.slices  # its indices count from 0; those of the others reach over the whole core
        )
        for i, core in enumerate(placement.cores)
        if profile.find("core.synapse_memory_words") and placement.storage == "nengo-loihi"
    }
    size = {
        i: sum(
            count_synapse_bytes(c, network.shape_of(c.source), part, delays[c.name], profile)
            for part in core.slices
            for c in network.connections_to(part.population)
        )
        for i, core in enumerate(placement.cores)
        if not profile.find("core.synapse_memory_words")
    }
    wrong += _no_strips(network, placement, profile)
    for name, found in (
        ("core.max_neurons", neurons),
        ("core.max_blocks", {i: len(core.slices) for i, core in enumerate(placement.cores)}),
        ("core.synapse_memory", size),
        ("core.max_in_axons", {core: len(axons) for core, axons in heard.items()}),
        ("core.max_out_axons", {core: len(axons) for core, axons in sent.items()}),
        ("core.max_threshold_profiles", {core: len(values) for core, values in thresholds.items()}),
        ("core.max_compartment_profiles", {core: len(values) for core, values in decays.items()}),
        ("core.synapse_memory_words", words),
    ):
        if profile.find(name) is not None:
            most = profile.whole(name)
            strict = name == "core.synapse_memory_words" and profile.find("core.synapse_memory_limit_is_strict")
            most -= bool(strict and strict.value)
            wrong += [f"core {core}: {name} is {most}, it has {n}" for core, n in sorted(found.items()) if n > most]
    if profile.find("neuron.delay_compartment_rule"):
        for core, n in neurons.items():
            bits = max(3, longest[core].bit_length()) if longest[core] else 0
            if n > min(profile.whole("core.max_neurons"), 2 ** (13 - bits)):
                wrong.append(f"core {core}: {n} neurons with delays of {longest[core]} steps")
    return wrong


def _no_strips(network: IntegerNetwork, placement: Placement, profile: HardwareProfile) -> list[str]:
    """Return a sentence for each core with whole columns of a map whose number is not what a compiler makes it."""
    rule = profile.find("model.cutting.map_widths_are_powers_of_two")
    if not (rule and rule.value):
        return []
    wrong = []
    for p in network.populations:
        if len(p.shape) != 3:
            continue
        channels, height, width = p.shape
        parts = [(i, s) for i, core in enumerate(placement.cores) for s in core.slices if s.population == p.name]
        whole = [(i, s) for i, s in parts if s.shape[:2] == (channels, height)]
        widest = max((s.shape[2] for _, s in whole), default=0)
        step = 1 << (widest - 1).bit_length() if widest else 1  # a map on one core is as wide as the next power of two
        for i, s in whole:
            begins, ends = s.start[2] % step == 0, s.stop[2] in (s.start[2] + step, width)
            if not (begins and ends and step * height * channels <= profile.whole("core.max_neurons")):
                wrong.append(f"core {i}: columns {s.start[2]} to {s.stop[2]} of {p.name!r} are no strip of {step}")
    return wrong


def _words_of_block(network: IntegerNetwork, part: Slice, profile: HardwareProfile, on_core: int) -> int:
    """Return the words of a block whose convolutions number its neurons alike: all dense lists, or all sparse ones."""
    delays, total, maps = chip_delays(network), 0, []
    for c in network.connections_to(part.population):
        both = words_of_both(c, network.shape_of(c.source), part, delays[c.name], profile, on_core)
        if c.weights.ndim == 4 and part.shape[1:] != (1, 1):
            maps.append(both)
        else:
            total += min(both)
    return total + min(sum(dense for dense, _ in maps), sum(sparse for _, sparse in maps))


def _cores_without_a_way(
    network: IntegerNetwork, placement: Placement, profile: HardwareProfile, neurons: Mapping[int, int]
) -> list[str]:
    """Return a sentence for each core whose lists fit in no way that the placement's storage allows."""
    most = profile.whole("core.synapse_memory_words")
    strict = profile.find("core.synapse_memory_limit_is_strict")
    most -= bool(strict and strict.value)
    wrong = []
    for i, core in enumerate(placement.cores):
        first, behind = (
            [_ways_of_block(network, part, profile, placement.storage, on_core) for part in core.slices]
            for on_core in (0, neurons[i])
        )
        ways: set[Taken] = set()
        for begins in range(len(core.slices)):  # its indices count from 0; those of the others over the whole core
            taken: set[Taken] = {(0, 0)}
            for k in range(len(core.slices)):
                block = first[k] if k == begins else behind[k]
                taken = set(not_worse({(a + b, p + q) for (a, p), (b, q) in product(taken, block)}))
            ways |= taken
        room = profile.whole("core.max_neurons") - neurons[i]
        if not any(words <= most and free <= room for words, free in ways):
            tried = ", ".join(f"{words} words with {free} compartments left free" for words, free in sorted(ways))
            wrong.append(f"core {i}: core.synapse_memory_words is {most}, and room for {room} more neurons; {tried}")
    return wrong


def _ways_of_block(
    network: IntegerNetwork, part: Slice, profile: HardwareProfile, storage: Storage, on_core: int
) -> set[Taken]:
    """Return the ways to store all connections of a block. Which of them number its neurons alike is not judged."""
    delays = chip_delays(network)
    block: set[Taken] = {(0, 0)}
    for c in network.connections_to(part.population):
        found = count_sub_lists(c, network.shape_of(c.source), part, delays[c.name], profile, storage, on_core)
        # The connections of a block number its neurons alike, so what one leaves free the others leave too.
        block = set(not_worse({(a + b, max(p, q)) for (a, p), (b, q) in product(block, found)}))
    return block


def _off_the_mesh(placement: Placement, profile: HardwareProfile) -> list[str]:
    width, height = mesh_tiles(profile)
    per_tile, usable = profile.whole("system.cores_per_tile"), profile.whole("system.cores_usable_per_chip")
    wrong = [
        f"core {i}: there is no core {core.core} at tile {core.tile}"
        for i, core in enumerate(placement.cores)
        if not (core.tile[0] < width and core.tile[1] < height and core.core < per_tile)
    ]
    full = Counter(core.chip for core in placement.cores)
    wrong += [f"chip {chip}: {n} cores, {usable} can be used" for chip, n in sorted(full.items()) if n > usable]
    if profile.find("system.max_chips") and len(full) > profile.whole("system.max_chips"):
        wrong.append(f"{len(full)} chips; there can be {profile.whole('system.max_chips')}")
    return wrong
