"""chip_steps: what the layers of a chip have done when a sample stops.

Each connection takes a step of the chip, so the layers are a pipeline (layer_times.py): the output's step k happens
`depth - 1` steps of the chip after the first layer's, and by then every earlier layer has gone on, by as many steps as
the output lags behind it. An exit saves what they have not done yet.
"""

import numpy as np

from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.layer_times import schedule


def chip_steps(exits: np.ndarray, depth: int) -> np.ndarray:
    """Return how many steps the chip takes for samples whose output stops in the steps `exits`, from 1, (samples,)."""
    return exits + depth - 1


def steps_done(network: IntegerNetwork, exits: np.ndarray) -> dict[str, np.ndarray]:
    """Return population or input -> how many steps it has done when the samples stop, (samples,)."""
    times = schedule(network)
    taken = chip_steps(exits, times.depth)
    return {name: np.clip(taken - max(depth - 1, 0), 0, network.steps) for name, depth in times.depths.items()}
