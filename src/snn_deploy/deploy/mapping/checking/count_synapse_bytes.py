"""count_synapse_bytes: the synapse memory of a block of neurons where a kernel is stored once, counted slowly.

Everything is found from the single synapses: which input channel and which offset each belongs to, and so which of them
share an element of the kernel. For check_placement, which judges with it what synapse_memory.py says.
"""

import math
from collections import defaultdict
from itertools import product

from snn_deploy.deploy.mapping.checking.count_synapse_words import weight_bits_of
from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.integer_network import IntegerConnection


def count_synapse_bytes(
    c: IntegerConnection, source: tuple[int, ...], part: Slice, delay: int, profile: HardwareProfile
) -> int:
    """Return the bytes of the synapses of `c` into `part`."""
    targets = list(product(*(range(a, b) for a, b in zip(part.start, part.stop, strict=True))))
    if c.weights.ndim == 2:
        window = math.prod(c.pool) if len(source) == 3 else 1  # the neurons of a pooling window share a synapse
        synapses = sum(len(arriving_synapses(c, source, index)) // window for index in targets)
        return math.ceil(synapses * profile.whole("model.memory.dense_synapse_bits") / 8)
    outputs: dict[tuple[int, int, int], set[int]] = defaultdict(set)  # element of the kernel -> output channels
    weights = set()
    for index in targets:
        for synapse in arriving_synapses(c, source, index):
            channel, row, column = synapse.index
            place = (row // c.pool[0], column // c.pool[1])
            top, left = (place[i] - index[i + 1] * c.stride[i] + c.padding[i] for i in (0, 1))
            outputs[channel, top, left].add(index[0])
            weights.add(synapse.weight)
    each = weight_bits_of(weights, profile) + (max(3, delay.bit_length()) if delay else 0)
    word = profile.whole("core.synapse_memory_word_bits")
    return sum(math.ceil(len(channels) * each / word) for channels in outputs.values()) * word // 8
