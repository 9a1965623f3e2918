"""reading: what it takes to read the output after a step, and to decide whether the sample goes on.

No published figure of that was found for a chip, so there are two ends, each an assumption that is printed with its
source. The least: an embedded processor hears one spike message of each output neuron, over the longest route of the
mesh; what it computes is left out. The most: a host exchanges spikes with the chip, and takes all the time and power
that a step with such an exchange was measured to take.
"""

from typing import Literal, get_args

from snn_deploy.deploy.mapping.cores.mesh import mesh_tiles
from snn_deploy.hardware_profiles.profile import HardwareProfile

Reader = Literal["embedded processor", "host"]
READERS: tuple[Reader, ...] = get_args(Reader)
HOST_TIME, HOST_ENERGY = "latency.host_step", "energy.host_step"


def can_read(reader: Reader, profile: HardwareProfile) -> bool:
    """Return whether the profile has what the cost of this reader is made of."""
    return reader != "host" or (profile.find(HOST_TIME) is not None and profile.find(HOST_ENERGY) is not None)


def longest_route(profile: HardwareProfile) -> tuple[int, int]:
    """Return the hops between opposite corners of a chip, (east-west, north-south): where a processor sits is open."""
    width, height = mesh_tiles(profile)
    return width - 1, height - 1


def reading_time(reader: Reader, outputs: int, profile: HardwareProfile) -> float:
    """Return the seconds after a step in which `outputs` output neurons are read, one message after another."""
    if reader == "host":
        return profile.number(HOST_TIME)
    east_west, north_south = (profile.number(f"latency.hop_{way}") for way in ("east_west", "north_south"))
    columns, rows = longest_route(profile)
    return columns * east_west + rows * north_south + outputs * max(east_west, north_south)


def assumption(reader: Reader, profile: HardwareProfile) -> str:
    """Return one line that says what the cost of this reader rests on."""
    if reader == "host":
        cost = profile.quantity(HOST_ENERGY)
        return f"read by the host, at most: {cost.source} ({cost.confidence})"
    return (
        "read by an embedded processor, at least: a spike message of each output neuron over the mesh's longest route; "
        "what the processor takes to compare them is left out, no figure of it was found (assumption)"
    )
