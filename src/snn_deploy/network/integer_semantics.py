"""What the integers mean: the reference that every backend equals, spike for spike.

In each step, for each population in order:

    a    = sum over connections of 2^exponent * (weights * pooled source)      whole numbers
    u    = keep(u, current_keep) + a * 2^6                                     wraps at 24 bits
    v    = keep(left, voltage_keep) + u + bias                                 saturates at 24 bits
    s    = v > threshold * 2^6 + rise                                          strictly above
    left = reset_value where s, else v                                         reset "value"
    left = v - threshold * 2^6 where s, else v                                 reset "subtract"
    rise = keep(rise, threshold_keep) + threshold_step where s, + 0 elsewhere

from u = 0, left = initial_value and rise = 0. keep(x, k) = x * k / 4096, rounded toward zero. A population that never
fires keeps its potential. The rise of a threshold stays within 24 bits (adaptive_threshold.py), and a soft reset takes
the threshold without it off (Bellec et al. 2020). With reset "value" to 0, no initial_value and no
threshold_step this is the arithmetic of Loihi as Lava 0.10 defines it (lava/proc/lif/models.py,
AbstractPyLifModelFixed); the rest needs neurons that are programmed for it.
A feed-forward connection delivers in the same step; on Loihi and in Lava it takes one step more, which
shifts a layer's spikes in time and changes none of them: that bookkeeping belongs to the backends.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork, IntegerPopulation
from snn_deploy.network.state_units import DECAY_UNITY, LARGEST_STATE, STATE_HALF, STATE_SHIFT


@dataclass(frozen=True)
class PopulationState:
    """One population in one step, (batch, *shape) each; states are in state units, 1/64 of a weight step.

    current: u. potential: v BEFORE the reset, what is compared with the threshold. left: v after the reset, what the
    next step goes on from. spikes: 0 or 1. rise: of the threshold, after the step: what the next potential is compared
    with beside it. is_wrapped, is_saturated: whether the limit of 24 bits changed u, and v.
    """

    current: np.ndarray
    potential: np.ndarray
    left: np.ndarray
    spikes: np.ndarray
    rise: np.ndarray
    is_wrapped: np.ndarray
    is_saturated: np.ndarray


@dataclass(frozen=True)
class Trace:
    """Everything that happened: name -> (steps, batch, *shape), of all populations; spikes of the input as well.

    currents: u. potentials: v BEFORE the reset, what is compared with the threshold. left: v after the reset, what the
    next step goes on from. All three are int64 in state units, spikes uint8.
    """

    spikes: dict[str, np.ndarray]
    currents: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]
    left: dict[str, np.ndarray]


def run(network: IntegerNetwork, frames: np.ndarray) -> Trace:
    """Return the spikes, currents and potentials of every population; who needs less iterates over `steps`.

    frames: (steps, batch, *input shape), whole numbers from 0 to the input's largest value.
    """
    leading = frames.shape[:2]
    trace = Trace({network.input.name: np.asarray(frames, np.uint8)}, {}, {}, {})
    for p in network.populations:
        trace.spikes[p.name] = np.zeros((*leading, *p.shape), np.uint8)
        for states in (trace.currents, trace.potentials, trace.left):
            states[p.name] = np.zeros((*leading, *p.shape), np.int64)
    for t, now in enumerate(steps(network, frames)):
        for name, state in now.items():
            trace.spikes[name][t] = state.spikes
            trace.currents[name][t] = state.current
            trace.potentials[name][t] = state.potential
            trace.left[name][t] = state.left
    return trace


def steps(network: IntegerNetwork, frames: np.ndarray) -> Iterator[dict[str, PopulationState]]:
    """Return an iterator of population -> its state, step by step; only spikes still under way stay in memory.

    frames: as of `run`.
    """
    stepper = Stepper(network, frames.shape[1])
    return map(stepper.step, frames)


class Stepper:
    """A network between two steps: what its neurons hold, and the spikes that are still under way."""

    def __init__(self, network: IntegerNetwork, batch: int) -> None:
        self.network = network
        self.states = {p.name: at_rest(p, batch) for p in network.populations}
        longest = max(c.delay for c in network.connections)
        self._sent: deque[dict[str, np.ndarray]] = deque(maxlen=1 + longest)  # newest first

    def step(self, frame: np.ndarray) -> dict[str, PopulationState]:
        """Take one step with `frame`, (batch, *input shape), and return population -> its state after it."""
        sent = self._sent
        sent.appendleft({self.network.input.name: frame})
        for p in self.network.populations:
            connections = [c for c in self.network.connections_to(p.name) if c.delay < len(sent)]
            arriving = sum(delivered(c, sent[c.delay][c.source]) for c in connections)
            self.states[p.name] = step(p, self.states[p.name], arriving)
            sent[0][p.name] = self.states[p.name].spikes
        return dict(self.states)


def at_rest(population: IntegerPopulation, batch: int) -> PopulationState:
    """Return the state of `population` before the first step."""
    nothing = np.zeros((batch, *population.shape), np.int64)
    initial = nothing + _shaped(population.initial_value, population)
    return PopulationState(nothing, initial, initial, nothing, nothing, nothing != 0, nothing != 0)


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


def step(population: IntegerPopulation, before: PopulationState, arriving: np.ndarray | int) -> PopulationState:
    """Return the state of `population` one step after `before`, when `arriving`, (batch, *shape), is delivered."""
    p = population
    arriving = np.asarray(arriving, np.int64) << STATE_SHIFT
    whole = kept(before.current, _shaped(p.current_keep, p)) + arriving
    current = wrapped(whole)
    total = kept(before.left, _shaped(p.voltage_keep, p)) + current + _shaped(p.bias, p)
    potential = saturated(total)
    limited = (current != whole, potential != total)
    if not p.fires:
        silent = np.zeros_like(potential)
        return PopulationState(current, potential, potential, silent, silent, *limited)
    threshold = _shaped(p.threshold, p) << STATE_SHIFT
    fired = potential > threshold + before.rise
    after = potential - threshold if p.reset == "subtract" else _shaped(p.reset_value, p)
    left, spikes = np.where(fired, after, potential), fired.astype(np.int64)
    rise = kept(before.rise, _shaped(p.threshold_keep, p)) + spikes * _shaped(p.threshold_step, p)
    return PopulationState(current, potential, left, spikes, rise, *limited)


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
