"""What the integers mean: the reference that every backend equals, spike for spike.

In each step, for each population in order:

    a   = sum over connections of 2^exponent * (weights * pooled source)      whole numbers
    u   = keep(u, current_keep) + a * 2^6                                     wraps at 24 bits
    v   = keep(v, voltage_keep) + u + bias                                    saturates at 24 bits
    s   = v > threshold * 2^6                                                 strictly above
    v   = reset_value where s                                                 reset "value"
    v   = v - threshold * 2^6 where s                                         reset "subtract"

from u = 0 and v = initial_value. keep(x, k) = x * k / 4096, rounded toward zero. A population that does not fire keeps
its potential. With reset "value" to 0 and no initial_value this is the arithmetic of Loihi as Lava 0.10 defines it
(lava/proc/lif/models.py, AbstractPyLifModelFixed); the other resets need neurons that are programmed for them.
A feed-forward connection delivers in the same step; on Loihi and in Lava it takes one step more, which
shifts a layer's spikes in time and changes none of them: that bookkeeping belongs to the backends.
"""

from dataclasses import dataclass

import numpy as np

from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_STATE, STATE_HALF, STATE_SHIFT


@dataclass(frozen=True)
class Trace:
    """Everything that happened: name -> (steps, batch, *shape). Potentials are those after the reset."""

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]


def run(network: IntegerNetwork, frames: np.ndarray) -> Trace:
    """Return the spikes and potentials of every population.

    frames: (steps, batch, *input shape), whole numbers from 0 to the input's largest value.
    """
    steps, batch = frames.shape[:2]
    spikes = {network.input.name: np.asarray(frames, np.int64)}
    potentials = {}
    for p in network.populations:
        spikes[p.name] = np.zeros((steps, batch, *p.shape), np.int64)
        potentials[p.name] = np.zeros((steps, batch, *p.shape), np.int64)
    current = {p.name: np.zeros((batch, *p.shape), np.int64) for p in network.populations}
    initial = {p.name: current[p.name] + _shaped(p.initial_value, p) for p in network.populations}
    for t in range(steps):
        for p in network.populations:
            arriving = sum(
                delivered(c, spikes[c.source][t - c.delay]) for c in network.connections_to(p.name) if t >= c.delay
            )
            previous = potentials[p.name][t - 1] if t else initial[p.name]
            current[p.name], potentials[p.name][t], spikes[p.name][t] = step(p, current[p.name], previous, arriving)
    return Trace({name: s.astype(np.uint8) for name, s in spikes.items()}, potentials)


def delivered(connection: IntegerConnection, values: np.ndarray) -> np.ndarray:
    """Return the sums that `values` (batch, *source shape) bring to the target: (batch, *target shape)."""
    sums = transmit(
        values.astype(np.int64),
        connection.weights.astype(np.int64),
        stride=connection.stride,
        padding=connection.padding,
        dilation=connection.dilation,
        groups=connection.groups,
        pool=connection.pool,
    )
    return sums << connection.exponent


def step(
    population: IntegerPopulation, current: np.ndarray, potential: np.ndarray, arriving: np.ndarray | int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (current, potential after the reset, spikes) of one step; all (batch, *shape)."""
    p = population
    current = wrapped(kept(current, _shaped(p.current_keep, p)) + (np.asarray(arriving, np.int64) << STATE_SHIFT))
    potential = saturated(kept(potential, _shaped(p.voltage_keep, p)) + current + _shaped(p.bias, p))
    if not p.fires:
        return current, potential, np.zeros_like(potential)
    threshold = _shaped(p.threshold, p) << STATE_SHIFT
    spikes = potential > threshold
    after = potential - threshold if p.reset == "subtract" else _shaped(p.reset_value, p)
    return current, np.where(spikes, after, potential), spikes.astype(np.int64)


def _shaped(parameter: np.ndarray, population: IntegerPopulation) -> np.ndarray:
    return parameter.reshape(-1, *[1] * (len(population.shape) - 1)).astype(np.int64)


def kept(state: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Return state * keep / 4096, rounded toward zero."""
    return np.sign(state) * (np.abs(state) * keep // DECAY_UNITY)


def wrapped(current: np.ndarray) -> np.ndarray:
    """Return the current in (-2^23, 2^23]: what goes beyond comes back at the other end, once."""
    return np.where(
        current > STATE_HALF,
        current - 2 * STATE_HALF,
        np.where(current <= -STATE_HALF, current + 2 * STATE_HALF, current),
    )


def saturated(potential: np.ndarray) -> np.ndarray:
    """Return the potential held within -(2^23 - 1) .. 2^23 - 1."""
    return np.clip(potential, -(LARGEST_STATE), LARGEST_STATE)
