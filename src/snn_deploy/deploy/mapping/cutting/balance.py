"""balance: a partition whose busiest core has as little to do in a step as a number of chips allows.

The time that a core may be busy is one more limit of it, beside its neurons and its memory; the least for which a
partition is found on the cores that there are is searched by halving: with blocks as large as that allows, and with
smaller ones, of which several fill a core more evenly. A step of a chip is as long as its busiest core,
so more cores that each do less are faster, and take more energy for spikes between them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from snn_deploy.deploy.mapping.cores.mesh import cores_per_chip
from snn_deploy.deploy.mapping.cores.placement import Slice, Storage
from snn_deploy.deploy.mapping.cutting.partition import Partition, partition, partition_of
from snn_deploy.deploy.mapping.memory.block_work import BlockWork, block_work
from snn_deploy.deploy.mapping.memory.resources import Model
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork

_PIECES = (1, 2, 3, 4, 8)  # a guess: a block may do this part of what a core may
_EXACT = 0.01  # the search ends where the work of the busiest core is known to so much of itself


def balanced(
    network: IntegerNetwork,
    profile: HardwareProfile,
    seconds: Mapping[str, np.ndarray],
    storage: Storage = "nengo-loihi",
    chips: int | None = None,
    fewest: Partition | None = None,
) -> Partition:
    """Return the partition on at most `chips` chips whose busiest core does the least work that was found.

    seconds: population -> work of each neuron in a step, of its shape. chips: None is as many as the fewest cores need.
    fewest: the partition with the fewest cores, where the caller has it; it is returned where nothing is better, and
    where the network does not fit.
    """
    best = fewest or partition(network, profile, storage)
    if best.violations:
        return best
    per_chip = cores_per_chip(profile)
    allowed = max(chips or 0, -(-len(best.cores) // per_chip)) * per_chip
    model = Model(network, profile, between_chips=allowed > per_chip, storage=best.storage)
    work = block_work(seconds)
    low = max(*work.largest.values(), -(-sum(map(work.all_of, work.sums)) // allowed)) - 1
    high = busiest_work(best.cores, work)
    for pieces in _PIECES:
        below = low
        tried = (low + high) // 2 if pieces == 1 else high - _step(high)  # does it help at all?
        while high - below > _step(high):
            found = partition_of(model.with_work(work.allowing(tried, -(-tried // pieces))))
            if found.violations or len(found.cores) > allowed:
                below = tried
            else:
                best, high = found, busiest_work(found.cores, work)
            tried = (below + high) // 2
    return best


def _step(work: int) -> int:
    return max(1, int(_EXACT * work))


def busiest_work(cores: Sequence[Sequence[Slice]], work: BlockWork) -> int:
    """Return the work of the core that has most."""
    return max(sum(map(work.of, core)) for core in cores)
