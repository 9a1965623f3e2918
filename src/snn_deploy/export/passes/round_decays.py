"""Pass: decays become whole numbers of 1/4096 that a chip can hold. A change of the network, so it is reported."""

from dataclasses import replace

import numpy as np

from snn_deploy.export.chip.neurons import ANY_NEURONS, ChipNeurons
from snn_deploy.network.adaptive_threshold import LARGEST_KEEP
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.state_units import DECAY_UNITY

KEEPS = ("voltage_keep", "current_keep", "threshold_keep")  # the decays of a population


def round_decays(network: FloatNetwork, chip: ChipNeurons = ANY_NEURONS) -> tuple[FloatNetwork, dict[str, float]]:
    """Return the network with the nearest decays of `chip`, and population -> the largest change of a decay, if any."""
    changes: dict[str, float] = {}
    populations = []
    ranges = dict(zip(KEEPS, (chip.voltage_keeps, chip.current_keeps, (0, LARGEST_KEEP)), strict=True))
    for p in network.populations:
        keeps = {}
        for name, (least, most) in ranges.items():
            exact = getattr(p, name)
            keeps[name] = np.rint(exact * DECAY_UNITY).clip(least, most) / DECAY_UNITY
            change = float(np.abs(keeps[name] - exact).max())
            if change:
                changes[p.name] = max(change, changes.get(p.name, 0.0))
        populations.append(replace(p, **keeps))
    return replace(network, populations=tuple(populations)), changes
