"""bottleneck: what fills a core most."""

from collections import Counter

from snn_deploy.deploy.mapping.memory.resources import ROOM, limits
from snn_deploy.hardware_profiles.profile import HardwareProfile


def bottleneck(use: Counter[str], profile: HardwareProfile) -> tuple[str, float]:
    """Return the resource that fills a core most, and how full that is: 1 is all that there is."""
    shares = {resource: use[resource] / most for resource, (most, _) in limits(profile).items() if resource != ROOM}
    fullest = max(shares, key=lambda resource: shares[resource])
    return fullest, shares[fullest]
