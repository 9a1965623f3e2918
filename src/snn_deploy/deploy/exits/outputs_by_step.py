"""outputs_by_step: what the output of a network says after every step, in one run of the CPU simulator.

What a network says after some of its steps is what the same network with so few steps says at its end: no spike
depends on a later step. A test compares the two on every backend.
"""

import numpy as np

from snn_deploy.deploy.running.recording import Recordable
from snn_deploy.deploy.running.simulation import Progress
from snn_deploy.network.integer_network import IntegerNetwork


def outputs_by_step(
    network: IntegerNetwork, ready: Recordable, inputs: np.ndarray, progress: Progress | None = None
) -> np.ndarray:
    """Return the values that classes are read from after each step, int64 (steps, samples, classes).

    ready: `network`, prepared by the CPU simulator. inputs: see simulation.as_frames.
    """
    name, found = network.output.name, []
    for part in ready.parts(inputs, record=network.output.fires, recorded_potentials=[name]):
        if network.output.fires:
            assert part.spikes is not None
            values = part.spikes[name].astype(np.int64).cumsum(0)
        else:
            assert part.potentials is not None
            values = part.potentials[name].astype(np.int64)
        found.append(values.reshape(*values.shape[:2], -1))
        if progress:
            progress(values.shape[1])
    return np.concatenate(found, axis=1)
