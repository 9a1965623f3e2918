"""packing: blocks that leave room put together on cores, first fit.

Two orders are tried, that of the network and the fullest block first, and the one with fewer cores is taken; of equals
that of the network, whose cores lie in the order of the layers. Axons that blocks of one core might share are counted
for each of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.memory.resources import DISTINCT, ROOM, Model

Packed = tuple[tuple[tuple[Slice, ...], ...], tuple[Counter[str], ...]]


def packed(model: Model, blocks: Sequence[Slice], slots: Mapping[Slice, int]) -> Packed:
    """Return the blocks of each core and what each core needs. blocks: in the network's order, each fits alone."""
    order = {block: i for i, block in enumerate(blocks)}
    most = model.limits

    def fullness(block: Slice) -> float:
        use = model.joined([model.need(block)], slots[block])
        return max(use[r] / allowed for r, (allowed, _) in most.items() if r != ROOM)

    by_size = sorted(blocks, key=lambda block: -fullness(block))
    found = min((_first_fit(model, these, slots) for these in (blocks, by_size)), key=len)
    found = [sorted(core, key=order.__getitem__) for core in found]
    found.sort(key=lambda core: order[core[0]])
    uses = [model.joined(model.needs(core), sum(slots[block] for block in core)) for core in found]
    return tuple(map(tuple, found)), tuple(uses)


def _first_fit(model: Model, blocks: Sequence[Slice], slots: Mapping[Slice, int]) -> list[list[Slice]]:
    """Return the cores; a quick look at what adds up chooses the cores that are then judged exactly."""
    most = model.limits
    names = [name for name in most if name not in (*DISTINCT, "delay slots", "memory bytes")]
    allowed = np.array([most[name][0] for name in names])
    filled = np.zeros((len(blocks), len(names)), np.int64)
    cores: list[list[Slice]] = []
    sent: list[int] = []
    for block in blocks:
        need = model.need(block)
        own = np.array([need.amounts[n] + (slots[block] if n == "output axons" else 0) for n in names])
        for i in np.flatnonzero((filled[: len(cores)] + own <= allowed).all(axis=1)):
            if not model.over(model.joined(model.needs([*cores[i], block]), sent[i] + slots[block])):
                break
        else:
            i = len(cores)
            cores.append([])
            sent.append(0)
        cores[i].append(block)
        sent[i] += slots[block]
        filled[i] += own
    return cores
