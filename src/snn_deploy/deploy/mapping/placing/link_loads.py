"""link_loads: how many spikes of a sample cross each link between neighbouring tiles."""

import numpy as np
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.cores.mesh import mesh_tiles, position
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.hardware_profiles.profile import HardwareProfile

_DIGITS = 9  # what lies beyond is left over from sums that cancel


def link_loads(placement: Placement, traffic: csr_matrix, profile: HardwareProfile) -> tuple[np.ndarray, np.ndarray]:
    """Return the spikes between tiles in a row, (rows, columns - 1), and in a column, (rows - 1, columns).

    Both directions are added up. A spike goes along its row first, then along its column (XY routing); the chips lie
    in a row. traffic: spikes from core to core, in the order of the placement's cores.
    """
    width, height = mesh_tiles(profile)
    width *= max(core.chip for core in placement.cores) + 1
    places = np.array([position(profile, core.chip, core.tile) for core in placement.cores])
    pairs = traffic.tocoo()
    start, stop = places[pairs.row], places[pairs.col]
    rows, columns = np.zeros((height, width)), np.zeros((height, width))
    for steps, line, axis in ((rows, start[:, 1], 0), (columns, stop[:, 0], 1)):
        low, high = np.minimum(start[:, axis], stop[:, axis]), np.maximum(start[:, axis], stop[:, axis])
        first, last = ((line, low), (line, high)) if axis == 0 else ((low, line), (high, line))
        np.add.at(steps, first, pairs.data)
        np.add.at(steps, last, -pairs.data)
    loads = rows.cumsum(axis=1)[:, :-1], columns.cumsum(axis=0)[:-1]
    return loads[0].round(_DIGITS), loads[1].round(_DIGITS)
