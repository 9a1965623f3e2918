"""place_on_mesh: cores of a partition in their seats: along the mesh like a snake, layer after layer, chip after chip.

Neighbouring layers so get neighbouring tiles. Measured spikes are not asked for.
"""

from snn_deploy.deploy.mesh import cores_per_chip, mesh_tiles
from snn_deploy.deploy.partition import Partition
from snn_deploy.deploy.placement import PlacedCore, Placement
from snn_deploy.export.integer_network import IntegerNetwork
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.user_error import UserError


def place_on_mesh(
    network: IntegerNetwork, found: Partition, profile: HardwareProfile, chips: int | None = None
) -> Placement:
    """Return the placement of `found`, which has no violations; more than `chips` chips are a UserError."""
    per_chip, per_tile = cores_per_chip(profile), profile.whole("system.cores_per_tile")
    _, height = mesh_tiles(profile)
    needed = chips_needed(found, profile)
    if chips is not None and needed > chips:
        raise UserError(
            f"network: {len(found.cores)} cores on {needed} chips; --chips allows {chips} with {per_chip} cores each "
            f"(source: {profile.quantity('system.cores_usable_per_chip').source}). Allow more chips."
        )
    placed = []
    for i, slices in enumerate(found.cores):
        tile, core = divmod(i % per_chip, per_tile)
        x, y = divmod(tile, height)
        placed.append(PlacedCore(i // per_chip, (x, y if x % 2 == 0 else height - 1 - y), core, slices))
    return Placement(network.digest, profile.name, tuple(placed))


def chips_needed(found: Partition, profile: HardwareProfile) -> int:
    """Return how many chips the cores of `found` take."""
    return -(-len(found.cores) // cores_per_chip(profile))
