"""balance: a partition whose busiest core has as little to do in a step as a number of cores allows.

The time that a core may be busy is one more limit of it, beside its neurons and its memory; the least for which a
partition is found on the cores that there are is searched by halving: with blocks as large as that allows, and with
smaller ones, of which several fill a core more evenly. More cores that each do less are not always faster: every core
that hears a spike is a message on the mesh. So the caller tries several numbers of cores, and measures.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from snn_deploy.deploy.mapping.cores.mesh import cores_per_chip
from snn_deploy.deploy.mapping.cores.placement import Slice
from snn_deploy.deploy.mapping.cutting.partition import FEWEST_CORES, Choose, Partition, partition_of
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
    fewest: Partition,
    allowed: int,
    choices: Sequence[Choose] = FEWEST_CORES,
) -> Partition:
    """Return the partition on at most `allowed` cores whose busiest core does the least work that was found.

    seconds: population -> work of each neuron in a step, of its shape. fewest: the partition with the fewest cores; its
    storage is kept, and it is returned where nothing is better and where the network does not fit. choices: of cuts, as
    partition_of takes them.
    """
    best = fewest
    if best.violations:
        return best
    model = Model(network, profile, between_chips=allowed > cores_per_chip(profile), storage=best.storage)
    work = block_work(seconds)
    low = max(*work.largest.values(), -(-sum(map(work.all_of, work.sums)) // allowed)) - 1
    high = busiest_work(best.cores, work)
    for pieces in _PIECES:
        below = low
        tried = (low + high) // 2 if pieces == 1 else high - _step(high)  # does it help at all?
        while high - below > _step(high):
            found = partition_of(model.with_work(work.allowing(tried, -(-tried // pieces))), choices)
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


def numbers_of_cores(fewest: Partition, profile: HardwareProfile, chips: int | None) -> list[int]:
    """Return how many cores to try to balance on: all of the chips, and half as many again and again.

    chips: None is as many as the fewest cores need.
    """
    per_chip = cores_per_chip(profile)
    found = [max(chips or 0, -(-len(fewest.cores) // per_chip)) * per_chip]
    while found[-1] // 2 > len(fewest.cores):
        found.append(found[-1] // 2)
    return found
