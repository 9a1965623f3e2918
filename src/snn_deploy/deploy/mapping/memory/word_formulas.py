"""word_formulas: how many words lists of synapses take, by a profile's formulas; `model.memory` has their sources.

Bits of a dense list: a header and an index for each entry, and a weight for each synapse; an entry holds neighbouring
targets. Of a sparse one: a header for each entry, and a weight and an index for each synapse.
"""

import math
from dataclasses import dataclass

import numpy as np

from snn_deploy.hardware_profiles.profile import HardwareProfile

_SMALLEST_INDEX = 6  # bits: the smallest field of the formulas
_END = 5  # bits that end a list: NX data_structures.py:842-846


@dataclass(frozen=True)
class WordFormulas:
    """The numbers of a profile. word, header: bits; entry: synapses of one; bases: how many bases an axon can have.

    reach: neurons that an index has to tell apart at least, those of the whole core for a block that is not its first.
    """

    word: int
    header: int
    entry: int
    bases: int
    reach: int = 0

    def dense(self, runs: tuple[int, ...], targets: int, each: int) -> int:
        """Return the words of runs of neighbouring targets, of `each` bits a synapse, among `targets` neurons."""
        entries = sum(-(-run // self.entry) for run in runs)
        return self._words(entries * (self.header + self._index(targets)) + sum(runs) * each)

    def sparse(self, synapses: int, targets: int, each: int) -> int:
        """Return the words of synapses with an index each; none take nothing."""
        if not synapses:
            return 0
        return self._words(-(-synapses // self.entry) * self.header + synapses * (each + self._index(targets)))

    def many_sparse(self, synapses: np.ndarray, targets: int, each: int) -> np.ndarray:
        """Return what `sparse` gives, for each number of `synapses`."""
        bits = -(-synapses // self.entry) * self.header + synapses * (each + self._index(targets))
        words = -(-bits // self.word) + self._end(bits)
        return np.where(synapses > 0, words, 0)

    def _index(self, targets: int) -> int:
        return index_bits(max(targets, self.reach))

    def _words(self, bits: int) -> int:
        """`words_per_axon`."""
        return -(-bits // self.word) + (bits % self.word == 0 or bits % self.word >= self.word - _END)

    def _end(self, bits: np.ndarray) -> np.ndarray:
        found: np.ndarray = (bits % self.word == 0) | (bits % self.word >= self.word - _END)
        return found


def word_formulas(profile: HardwareProfile) -> WordFormulas:
    """Return the formulas of `profile`; without a number of bases in it an axon can have any."""
    number = profile.whole
    return WordFormulas(
        number("core.synapse_memory_word_bits"),
        number("model.memory.header_bits"),
        number("model.memory.synapses_per_entry"),
        number("axon.cx_base_max") + 1 if profile.find("axon.cx_base_max") else 2**31,
    )


def index_bits(targets: int) -> int:
    """Return the bits of a target's index."""
    return max(_SMALLEST_INDEX, math.ceil(math.log2(max(targets, 2))))
