"""check_placement: what a placement breaks, counted synapse by synapse, slowly, without the ranges of resources.py.

Checked are the network's digest, that every neuron (and with it every synapse) is placed once, and on each core the
neurons, input axons and output axons. Synapse memory is not: that has no count but the formula itself.
"""

from collections import defaultdict
from itertools import product

from snn_deploy.deploy.arriving_synapses import arriving_synapses
from snn_deploy.deploy.placement import Placement
from snn_deploy.deploy.resources import slots_of_maps
from snn_deploy.export.integer_network import IntegerNetwork
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.user_error import UserError


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
    neurons: dict[int, int] = defaultdict(int)
    heard: dict[int, set[object]] = defaultdict(set)
    sent: dict[int, set[object]] = defaultdict(set)
    slots = slots_of_maps(profile)
    for p in network.populations:
        for index in product(*map(range, p.shape)):
            here = int(core_of[p.name][index])
            neurons[here] += 1
            for c in network.connections_to(p.name):
                for synapse in arriving_synapses(c, network.shape_of(c.source), index):
                    place = synapse.index
                    pixel = place[1:] if len(place) == 3 else place
                    pooled = tuple(a // b for a, b in zip(pixel, c.pool, strict=True)) if len(place) == 3 else pixel
                    heard[here].add((c.name, pooled))
                    if c.source in core_of:
                        for slot in range(slots if len(place) == 3 else 1):
                            sent[int(core_of[c.source][place])].add((c.name, here, pixel, slot))
    for name, found in (
        ("core.max_neurons", neurons),
        ("core.max_in_axons", {core: len(axons) for core, axons in heard.items()}),
        ("core.max_out_axons", {core: len(axons) for core, axons in sent.items()}),
    ):
        most = profile.whole(name)
        wrong += [f"core {core}: {name} is {most}, it has {n}" for core, n in sorted(found.items()) if n > most]
    return wrong
