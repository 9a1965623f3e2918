"""mesh: the sites of a chip's cores, from its profile."""

from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.support.user_error import UserError


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
    sites = width * height * profile.whole("system.cores_per_tile")
    return min(profile.whole("system.cores_usable_per_chip"), sites)


def core_sites(profile: HardwareProfile, chips: int) -> list[tuple[int, tuple[int, int], int]]:
    """Return (chip, tile, core) of each core that can be used, in boustrophedon order over every chip's mesh.

    Neighbours in this order lie in neighbouring tiles.
    """
    width, height = mesh_tiles(profile)
    per_tile = profile.whole("system.cores_per_tile")
    tiles = [(x, y if x % 2 == 0 else height - 1 - y) for x in range(width) for y in range(height)]
    of_chip = [(tile, core) for tile in tiles for core in range(per_tile)][: cores_per_chip(profile)]
    return [(chip, tile, core) for chip in range(chips) for tile, core in of_chip]


def position(profile: HardwareProfile, chip: int, tile: tuple[int, int]) -> tuple[int, int]:
    """Return the column and row of a tile where the meshes of all chips lie in a row from west to east.

    That they do is a guess: how boards join their chips is not in the profiles.
    """
    return chip * mesh_tiles(profile)[0] + tile[0], tile[1]
