"""What a FloatNetwork computes: slow, plain numpy in double precision, for tests and for comparison.

The same sweep as network/integer_semantics.py, with norms, average pooling and the input scale not yet folded.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snn_deploy.network.connection_arithmetic import transmit
from snn_deploy.network.float_network import FloatConnection, FloatNetwork, FloatPopulation


@dataclass(frozen=True)
class FloatTrace:
    """Everything that happened: name -> (steps, batch, *shape). Potentials are those BEFORE the reset."""

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]


@dataclass(frozen=True)
class FloatState:
    """One population in one step, (batch, *shape) each.

    potential: BEFORE the reset. left: after it, what the next step goes on from. spikes: whether each neuron fired.
    rise: of the threshold, after the step.
    """

    current: np.ndarray
    potential: np.ndarray
    left: np.ndarray
    spikes: np.ndarray
    rise: np.ndarray


def run(network: FloatNetwork, frames: np.ndarray) -> FloatTrace:
    """Return the spikes and potentials of every population; who needs less iterates over `steps`.

    frames: (steps, batch, *input shape), whole numbers as the input takes them (pixels 0..255).
    """
    leading = frames.shape[:2]
    spikes = {network.input.name: frames * network.input.scale}
    spikes |= {p.name: np.zeros((*leading, *p.shape)) for p in network.populations}
    potentials = {p.name: np.zeros((*leading, *p.shape)) for p in network.populations}
    for t, states in enumerate(steps(network, frames)):
        for name, state in states.items():
            spikes[name][t], potentials[name][t] = state.spikes, state.potential
    return FloatTrace(spikes, potentials)


def steps(network: FloatNetwork, frames: np.ndarray) -> Iterator[dict[str, FloatState]]:
    """Return an iterator of population -> its state, step by step; only spikes still under way stay in memory.

    frames: as of `run`.
    """
    stepper = FloatStepper(network, frames.shape[1])
    return map(stepper.step, frames)


class FloatStepper:
    """A network between two steps: what its neurons hold, and the spikes that are still under way."""

    def __init__(self, network: FloatNetwork, batch: int) -> None:
        self._network = network
        self._states = {p.name: _at_rest(p, batch) for p in network.populations}
        longest = max(c.delay for c in network.connections)
        self._sent: deque[dict[str, np.ndarray]] = deque(maxlen=1 + longest)  # newest first

    def step(self, frame: np.ndarray) -> dict[str, FloatState]:
        """Take one step with `frame`, (batch, *input shape), and return population -> its state after it."""
        network, sent = self._network, self._sent
        sent.appendleft({network.input.name: frame * network.input.scale})
        for p in network.populations:
            arriving = sum(
                delivered(c, sent[c.delay][c.source])
                for c in network.connections
                if c.target == p.name and c.delay < len(sent)
            )
            self._states[p.name] = _step(p, self._states[p.name], arriving)
            sent[0][p.name] = self._states[p.name].spikes
        return dict(self._states)


def _at_rest(population: FloatPopulation, batch: int) -> FloatState:
    nothing = np.zeros((batch, *population.shape))
    initial = nothing + _shaped(population.initial_value, population)
    return FloatState(nothing, initial, initial, nothing, nothing)


def _step(population: FloatPopulation, before: FloatState, arriving: np.ndarray | float) -> FloatState:
    """Return the state of `population` one step after `before`, when `arriving`, (batch, *shape), is delivered."""
    p = population
    current = before.current * _shaped(p.current_keep, p) + arriving
    potential = before.left * _shaped(p.voltage_keep, p) + current + _shaped(p.bias, p)
    if not p.fires:
        silent = np.zeros_like(potential)
        return FloatState(current, potential, potential, silent, silent)
    threshold = _shaped(p.threshold, p)
    reached = threshold + before.rise
    fired = potential >= reached if p.fires_at_threshold else potential > reached
    after = potential - threshold if p.reset == "subtract" else _shaped(p.reset_value, p)
    left_current = np.where(fired, 0.0, current) if p.clears_current else current
    left, spikes = np.where(fired, after, potential), fired.astype(np.float64)
    rise = before.rise * _shaped(p.threshold_keep, p) + spikes * _shaped(p.threshold_step, p)
    return FloatState(left_current, potential, left, spikes, rise)


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
