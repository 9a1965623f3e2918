"""mesh: the seats of a chip, from its profile."""

from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.user_error import UserError


def mesh_tiles(profile: HardwareProfile) -> tuple[int, int]:
    """Return how many tiles a chip has from west to east and from north to south."""
    value = profile.quantity("system.mesh_tiles").value
    if isinstance(value, tuple) and len(value) == 2:
        width, height = value
        if isinstance(width, int) and isinstance(height, int):
            return width, height
    raise UserError(f"profile {profile.name!r}: system.mesh_tiles is {value!r}; allowed are two whole numbers.")


def cores_per_chip(profile: HardwareProfile) -> int:
    """Return how many cores of a chip can be used."""
    width, height = mesh_tiles(profile)
    seats = width * height * profile.whole("system.cores_per_tile")
    return min(profile.whole("system.cores_usable_per_chip"), seats)
