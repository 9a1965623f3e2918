"""place_on_mesh: cores of a partition in boustrophedon order on the mesh, layer after layer, chip after chip.

Neighbouring layers so get neighbouring tiles. place_by_traffic.py starts from here.
"""

from snn_deploy.deploy.mapping.cores.mesh import core_sites, cores_per_chip
from snn_deploy.deploy.mapping.cores.placement import PlacedCore, Placement
from snn_deploy.deploy.mapping.cutting.partition import Partition
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError


def place_on_mesh(
    network: IntegerNetwork, found: Partition, profile: HardwareProfile, chips: int | None = None
) -> Placement:
    """Return the placement of `found`, which has no violations; more than `chips` chips are a UserError."""
    per_chip = cores_per_chip(profile)
    needed = chips_needed(found, profile)
    if chips is not None and needed > chips:
        raise UserError(
            f"network: {len(found.cores)} cores on {needed} chips; --chips allows {chips} with {per_chip} cores each "
            f"(source: {profile.quantity('system.cores_usable_per_chip').source}). Allow more chips."
        )
    sites = core_sites(profile, needed)
    placed = tuple(PlacedCore(*sites[i], slices) for i, slices in enumerate(found.cores))
    return Placement(network.digest, profile.name, placed, found.storage)


def chips_needed(found: Partition, profile: HardwareProfile) -> int:
    """Return how many chips the cores of `found` take."""
    return -(-len(found.cores) // cores_per_chip(profile))
