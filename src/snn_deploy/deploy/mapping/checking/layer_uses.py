"""layer_uses: what each population takes of the cores of a partition, and which limit it meets first."""

import math
from collections import Counter
from dataclasses import dataclass

from snn_deploy.deploy.mapping.checking.bottleneck import bottleneck
from snn_deploy.deploy.mapping.checking.lower_bound import LowerBound
from snn_deploy.deploy.mapping.cutting.partition import Partition
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork


@dataclass(frozen=True)
class LayerUse:
    """A population on its cores.

    blocks: into how many it is cut. at_least: cores that no mapping of it alone can save, binds_at_least: because of
    this resource. fullest: the resource that most of its cores are full of.
    """

    population: str
    neurons: int
    blocks: int
    at_least: int
    binds_at_least: str
    fullest: str


def layer_uses(
    network: IntegerNetwork, found: Partition, bound: LowerBound, profile: HardwareProfile
) -> tuple[LayerUse, ...]:
    """Return what each population of `network` takes of the cores of `found`, a partition that fits."""
    full: dict[str, Counter[str]] = {p.name: Counter() for p in network.populations}
    parts: Counter[str] = Counter()
    for core, use in zip(found.cores, found.uses, strict=True):
        resource, _ = bottleneck(use, profile)
        for part in core:
            parts[part.population] += 1
            full[part.population][resource] += 1
    uses = []
    for p in network.populations:
        least = bound.by_population[p.name]
        binds = max(least, key=lambda resource: least[resource])
        fullest = full[p.name].most_common(1)[0][0]
        uses.append(LayerUse(p.name, math.prod(p.shape), parts[p.name], least[binds], binds, fullest))
    return tuple(uses)
