"""count_synapse_words: the synapse memory of a block of neurons, counted list by list, slowly.

The lists are made from the single synapses, so nothing here knows kernels. For check_placement, which judges with it
what synapse_memory.py says.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import product

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.connection_arithmetic import pooled_shape
from snn_deploy.network.integer_network import IntegerConnection

Lists = dict[tuple[int, ...], dict[int, list[tuple[int, int]]]]  # position -> atom -> (target, weight) of each synapse


def count_synapse_words(
    c: IntegerConnection, source: tuple[int, ...], part: Slice, delay: int, profile: HardwareProfile, on_core: int = 0
) -> int:
    """Return the words of the synapses of `c` into `part`, in the smaller of the two encodings; see words_of_both."""
    return min(words_of_both(c, source, part, delay, profile, on_core))


def words_of_both(
    c: IntegerConnection, source: tuple[int, ...], part: Slice, delay: int, profile: HardwareProfile, on_core: int = 0
) -> tuple[int, int]:
    """Return the words of the synapses of `c` into `part` in dense lists, and in sparse ones.

    on_core: the neurons of the core, which an index has to tell apart; 0 where it holds `part` alone.
    """
    dense, sparse = (_lists(c, source, part, channels_last=last) for last in (True, False))
    weights = [w for atoms in dense.values() for synapses in atoms.values() for _, w in synapses]
    synapse = weight_bits_of(weights, profile) + (max(3, delay.bit_length()) if delay else 0)
    neurons = max(on_core, part.neurons)
    return (
        _words(dense, part, neurons, synapse, profile, is_dense=True),
        _words(sparse, part, neurons, synapse, profile, is_dense=False),
    )


def weight_bits_of(found: Iterable[int], profile: HardwareProfile) -> int:
    """Return the bits of the narrowest weights that hold all those of `found`."""
    weights = {w for w in found if w}
    has_both_signs = len({w > 0 for w in weights}) == 2
    allowed, widest = profile.find("weight.stored_bits_allowed"), profile.whole("weight.stored_bits_max")
    for width in allowed.value if allowed and isinstance(allowed.value, tuple) else range(1, widest + 1):
        bits = int(width)
        held = range(-(2 ** (bits - 1)), 2 ** (bits - 1)) if has_both_signs else range(-(2**bits) + 1, 2**bits)
        if all(w in held for w in weights):
            return bits
    return widest


def _lists(c: IntegerConnection, source: tuple[int, ...], part: Slice, *, channels_last: bool) -> Lists:
    found: Lists = defaultdict(lambda: defaultdict(list))
    pooled = pooled_shape(source, c.pool)
    for number, index in enumerate(_targets(part, channels_last)):
        for synapse in arriving_synapses(c, source, index):
            place = synapse.index
            if len(place) == 1:
                found[place][0].append((number, synapse.weight))
                continue
            if any(a % b for a, b in zip(place[1:], c.pool, strict=True)):
                continue  # the rest of a pooling window shares the axon of its first neuron
            row, column = place[1] // c.pool[0], place[2] // c.pool[1]
            atom = place[0] if c.weights.ndim == 4 else (place[0] * pooled[1] + row) * pooled[2] + column
            found[row, column][atom].append((number, synapse.weight))
    return found


def _targets(part: Slice, channels_last: bool) -> list[tuple[int, ...]]:
    """Return the neurons of the block in the order in which a core numbers them."""
    axes = [range(a, b) for a, b in zip(part.start, part.stop, strict=True)]
    if len(axes) == 1 or not channels_last:
        return list(product(*axes))
    return [(channel, row, column) for row, column, channel in product(axes[1], axes[2], axes[0])]


def _words(lists: Lists, part: Slice, neurons: int, synapse: int, profile: HardwareProfile, *, is_dense: bool) -> int:
    bases = profile.whole("axon.cx_base_max") + 1 if profile.find("axon.cx_base_max") else 2**31
    shared = {}  # lists that are alike, moved by a base, are stored once
    for position, atoms in lists.items():
        base = min(target for synapses in atoms.values() for target, _ in synapses)
        alike = tuple((atom, *((t - base, w) for t, w in synapses)) for atom, synapses in sorted(atoms.items()))
        # A dense connection of a vector has an axon for each neuron: nothing to share, and no base.
        key = (alike, base // bases) if len(position) == 2 and len(part.shape) == 3 else (position,)
        shared[key] = [
            [(t, w) for t, w in synapses if w or is_dense] for synapses in atoms.values() if any(w for _, w in synapses)
        ]
    found = (s for atoms in shared.values() for s in atoms if s)
    return sum(list_words(s, neurons, synapse, profile, is_dense=is_dense) for s in found)


def list_words(
    synapses: list[tuple[int, int]], neurons: int, synapse: int, profile: HardwareProfile, *, is_dense: bool
) -> int:
    """Return the words of one list of (target, weight), of `synapse` bits each, into a block of `neurons`."""
    number = profile.whole
    index = max(6, math.ceil(math.log2(max(neurons, 2))))
    header, most = number("model.memory.header_bits"), number("model.memory.synapses_per_entry")
    if is_dense:
        targets = sorted(t for t, _ in synapses)
        runs, length = [], 0
        for here, following in zip(targets, [*targets[1:], None], strict=True):
            length += 1
            if following != here + 1:
                runs.append(length)
                length = 0
        bits = sum(-(-run // most) for run in runs) * (header + index) + len(synapses) * synapse
    else:
        bits = -(-len(synapses) // most) * header + len(synapses) * (synapse + index)
    word = number("core.synapse_memory_word_bits")
    return -(-bits // word) + int(bits % word == 0 or bits % word >= word - 5)
