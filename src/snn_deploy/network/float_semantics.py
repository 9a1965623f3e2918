"""What a FloatNetwork computes: slow, plain numpy in double precision, for tests and for comparison.

The same sweep as network/integer_semantics.py, with norms, average pooling and the input scale not yet folded.
"""

from dataclasses import dataclass

import numpy as np

from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.float_network import FloatConnection, FloatNetwork, FloatPopulation


@dataclass(frozen=True)
class FloatTrace:
    """Everything that happened: name -> (steps, batch, *shape). Potentials are those BEFORE the reset."""

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]


def run(network: FloatNetwork, frames: np.ndarray) -> FloatTrace:
    """Return the spikes and potentials of every population.

    frames: (steps, batch, *input shape), whole numbers as the input takes them (pixels 0..255).
    """
    steps, batch = frames.shape[:2]
    values = {network.input.name: frames * network.input.scale}
    potentials: dict[str, np.ndarray] = {}
    currents: dict[str, np.ndarray] = {}
    left: dict[str, np.ndarray] = {}
    for p in network.populations:
        values[p.name] = np.zeros((steps, batch, *p.shape))
        potentials[p.name] = np.zeros((steps, batch, *p.shape))
        currents[p.name] = np.zeros((batch, *p.shape))
        left[p.name] = np.zeros((batch, *p.shape)) + _shaped(p.initial_value, p)
    for t in range(steps):
        for p in network.populations:
            arriving = sum(
                delivered(c, values[c.source][t - c.delay])
                for c in network.connections
                if c.target == p.name and t >= c.delay
            )
            currents[p.name] = currents[p.name] * _shaped(p.current_keep, p) + arriving
            potential = left[p.name] * _shaped(p.voltage_keep, p) + currents[p.name] + _shaped(p.bias, p)
            potentials[p.name][t] = left[p.name] = potential
            if p.fires:
                threshold = _shaped(p.threshold, p)
                fired = potential >= threshold if p.fires_at_threshold else potential > threshold
                after = potential - threshold if p.reset == "subtract" else _shaped(p.reset_value, p)
                left[p.name] = np.where(fired, after, potential)
                if p.clears_current:
                    currents[p.name] = np.where(fired, 0.0, currents[p.name])
                values[p.name][t] = fired
    return FloatTrace(values, potentials)


def _shaped(parameter: np.ndarray, population: FloatPopulation) -> np.ndarray:
    return parameter.reshape(-1, *[1] * (len(population.shape) - 1))


def delivered(connection: FloatConnection, values: np.ndarray) -> np.ndarray:
    """Return the currents that `values` (batch, *source shape) bring to the target: (batch, *target shape)."""
    c = connection
    if c.pool_mode == "average":
        values = values / (c.pool[0] * c.pool[1])
    currents = transmit(
        values, c.weights, stride=c.stride, padding=c.padding, dilation=c.dilation, groups=c.groups, pool=c.pool
    )
    if c.norm is not None:
        per_channel = (-1, *[1] * (currents.ndim - 2))
        currents = currents * c.norm.factor.reshape(per_channel) + c.norm.offset.reshape(per_channel)
    return currents
