"""strips: the ways to cut a map as Intel's compiler for Loihi 2 does: along its width, in powers of two.

`model.cutting.map_widths_are_powers_of_two` says where this was seen. A strip has all rows and all channels, and as
many columns as a power of two; the last may have fewer. What counts for the neurons of a core is the power of two: a
map of 20 columns that would fit a core is cut into 16 and 4 where 32 would not fit.
"""

from snn_deploy.deploy.mapping.cutting.cuts import Cut, cut_fits
from snn_deploy.deploy.mapping.memory.resources import Model, limits
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.network.integer_network import IntegerPopulation


def cuts_in_strips(profile: HardwareProfile) -> bool:
    """Whether the compiler of this chip cuts maps into strips."""
    rule = profile.find("model.cutting.map_widths_are_powers_of_two")
    return bool(rule and rule.value)


def strips(model: Model, p: IntegerPopulation, least: int) -> list[Cut]:
    """Return the cuts of `p` into at least `least` strips that fit, but for their output axons."""
    channels, height, width = p.shape
    most = limits(model.profile)["neurons"][0]
    found, size = [], 1
    while size * height * channels <= most:
        columns = tuple((a, min(a + size, width)) for a in range(0, width, size))
        cut = Cut(p.name, (((0, channels),), ((0, height),), columns))
        if cut.blocks >= least and cut_fits(model, cut):
            found.append(cut)
        if size >= width:
            break
        size *= 2
    return found
