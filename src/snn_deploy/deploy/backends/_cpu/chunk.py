"""A run of some samples on the CPU backend: population after population, or step by step around a loop."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from snn_deploy.deploy.backends._cpu.layer import Layer, States, arriving, scaled
from snn_deploy.deploy.backends._cpu.lif import advance
from snn_deploy.deploy.backends._cpu.synapses import channels_first, channels_last
from snn_deploy.deploy.running.simulation import Simulation, is_static
from snn_deploy.network.class_outputs import class_outputs
from snn_deploy.network.evaluation_order import is_recurrent
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values


@dataclass(frozen=True)
class Carried:
    """What a network holds between two runs of which the second goes on where the first ended; channels last.

    states: population -> its states. sent: input or population -> the last
    frames that it sent, (frames, samples, *shape) uint8, as many as the longest delay of its connections.
    """

    states: dict[str, States] = field(default_factory=dict)
    sent: dict[str, np.ndarray] = field(default_factory=dict)


class Chunk:
    """A run of some samples: what has been computed of it so far.

    record: keep every spike. recorded_potentials: the populations whose potentials are kept. before: what an earlier
    run left, for one that goes on from there and leaves `after`; None is a run from rest that leaves nothing.
    """

    def __init__(
        self,
        network: IntegerNetwork,
        layers: Mapping[str, Layer],
        frames: np.ndarray,
        *,
        record: bool,
        recorded_potentials: Collection[str] = (),
        before: Carried | None = None,
    ) -> None:
        self.network, self.layers, self.record = network, layers, record
        self.recorded_potentials = frozenset(recorded_potentials)
        self._read = frozenset({network.output.name} if gives_values(network) else ())
        self.before, self.after = before, Carried()
        self.past = {} if before is None else before.sent
        self.potentials: dict[str, np.ndarray] = {}
        self.steps, self.samples = frames.shape[:2]
        values = channels_last((frames[:1] if is_static(frames) else frames).astype(np.uint8), network.input.shape)
        # A single frame stands for the same one in every step.
        self.spikes = {network.input.name: values}
        positions = np.count_nonzero(values, axis=(0, -1)).reshape(self.samples, -1)
        # (samples, positions): what all channels of a position sent in all steps.
        self.spike_sums = {network.input.name: positions * (self.steps // len(values))}
        self.outputs = np.zeros(0)
        self.recorded: dict[str, np.ndarray] = {}
        self.overflows: dict[str, np.ndarray] = {}  # population -> (2, samples)

    def run(self, schedule: Sequence[tuple[str, ...]]) -> Simulation:
        """Return the simulation of these samples."""
        waiting = [c.source for block in schedule for name in block for c in self.network.connections_to(name)]
        for block in schedule:
            if is_recurrent(self.network, block):
                self._step_by_step(block)
            else:
                self._all_steps(block[0])
            for name in block:
                for connection in self.network.connections_to(name):
                    waiting.remove(connection.source)
            self._forget({name for name in self.spikes if name not in waiting})
        return self._simulation()

    def _all_steps(self, name: str) -> None:
        layer = self.layers[name]
        sums, shown = arriving(layer, self.spikes, self.past, self.steps, self.samples)
        if name not in self.recorded_potentials | self._read:
            state = self._state(layer, carries=name == self.network.output.name)
            state.advance(sums, shown, slice(None))
        else:
            state = self._state(layer, carries=True)
            for t in range(self.steps):
                state.advance(sums, shown[t : t + 1], slice(t, t + 1))
                self._record_potential(state, t)
        self._keep(layer, state)

    def _step_by_step(self, block: tuple[str, ...]) -> None:
        layers = [self.layers[name] for name in block]
        outside = {n: arriving(self.layers[n], self.spikes, self.past, self.steps, self.samples) for n in block}
        states = {layer.population.name: self._state(layer, carries=True) for layer in layers}
        now = np.zeros(1, np.int64)
        for t in range(self.steps):
            for layer in layers:
                name = layer.population.name
                sums, shown = outside[name]
                total = sums[shown[t] :][:1].copy() if shown[t] >= 0 else None
                if total is None:
                    total = np.zeros((1, self.samples, layer.size), layer.sum_type)
                for synapses in layer.synapses:
                    source, step = synapses.connection.source, t - synapses.connection.delay
                    if source in states and (step >= 0 or source in self.past):
                        values = states[source].shaped_spikes[step] if step >= 0 else self.past[source][step]
                        total += scaled(synapses.deliver(values), synapses, layer.sum_type)
                states[name].advance(total, now, slice(t, t + 1))
                self._record_potential(states[name], t)
        for layer in layers:
            self._keep(layer, states[layer.population.name])

    def _state(self, layer: Layer, *, carries: bool) -> "_State":
        before = None if self.before is None else self.before.states[layer.population.name]
        return _State(layer, self.steps, self.samples, carries=carries, before=before)

    def _record_potential(self, state: "_State", step: int) -> None:
        p = state.layer.population
        if p.name not in self.recorded_potentials | self._read:
            return
        shaped = channels_first(state.potential.reshape(self.samples, *p.shape[1:], p.shape[0]), p.shape)
        steps = self.potentials.setdefault(p.name, np.empty((self.steps, *shaped.shape), np.int32))  # 24 bits are used
        steps[step] = shaped

    def _keep(self, layer: Layer, state: "_State") -> None:
        name = layer.population.name
        self.spikes[name], self.spike_sums[name] = state.shaped_spikes, state.spike_sums
        self.overflows[name] = np.zeros((2, self.samples), np.int64) if state.overflows is None else state.overflows
        if self.before is not None:
            self.after.states[name] = (state.current, state.potential, state.rise)
        if name == self.network.output.name:
            p = layer.population
            outputs = class_outputs(p, state.spikes, state.potential.astype(np.int64))
            shaped = outputs.reshape(self.samples, *p.shape[1:], p.shape[0])
            self.outputs = channels_first(shaped, p.shape).reshape(self.samples, -1)

    def _forget(self, names: set[str]) -> None:
        for name in names:
            values = self.spikes.pop(name)
            if name in self.past:
                self.after.sent[name] = np.concatenate([self.past[name], values])[-len(self.past[name]) :]
            if self.record:
                shown = np.ascontiguousarray(channels_first(values, self.network.shape_of(name)))
                self.recorded[name] = np.broadcast_to(shown, (self.steps, *shown.shape[1:]))

    def _simulation(self) -> Simulation:
        names = [self.network.input.name, *(p.name for p in self.network.populations)]
        read = self.potentials[self.network.output.name] if self._read else None
        every = (synapses for p in self.network.populations for synapses in self.layers[p.name].synapses)
        fans = {synapses.connection.name: synapses.fan_out for synapses in every}
        return Simulation(
            outputs=self.outputs,
            spike_counts={name: self.spike_sums[name].sum(axis=1, dtype=np.int64) for name in names},
            synaptic_operations={
                c.name: self.spike_sums[c.source].astype(np.int64) @ fans[c.name] for c in self.network.connections
            },
            spikes={name: self.recorded[name] for name in names} if self.record else None,
            potentials=(
                {n: v for n, v in self.potentials.items() if n in self.recorded_potentials}
                if self.recorded_potentials
                else None
            ),
            outputs_by_step=None if read is None else read.reshape(*read.shape[:2], -1).astype(np.int64),
            wrapped_currents={p.name: self.overflows[p.name][0] for p in self.network.populations},
            saturated_potentials={p.name: self.overflows[p.name][1] for p in self.network.populations},
        )


class _State:
    """The states of a population's neurons and the spikes they have sent, channels last.

    carries: whether the states are needed after the steps of one `advance`. before: the states that an earlier run
    left, which are copied; None is a population at rest.
    """

    def __init__(
        self,
        layer: Layer,
        steps: int,
        samples: int,
        *,
        carries: bool,
        before: States | None = None,
    ) -> None:
        self.layer = layer
        if before is not None:
            self.current, self.potential, self.rise = (states.copy() for states in before)
        elif carries:
            self.current, self.potential, self.rise = layer.at_rest(samples)
        else:
            self.current, self.potential, self.rise = np.zeros((3, 0, 0), layer.state_type)
        self.spikes = np.empty((steps, samples, layer.size), np.uint8)
        self.spike_sums = np.zeros((samples, layer.size // layer.population.shape[0]), np.int32)
        self.overflows = np.zeros((2, samples), np.int64) if layer.neurons.can_overflow else None

    def advance(self, sums: np.ndarray, shown: np.ndarray, steps: slice) -> None:
        """Take the steps `steps`, in which the frames `shown` of `sums` arrive."""
        advance(
            self.layer.neurons,
            sums,
            shown,
            self.current,
            self.potential,
            self.rise,
            self.spikes[steps],
            self.spike_sums,
            self.overflows,
        )

    @property
    def shaped_spikes(self) -> np.ndarray:
        """(steps, samples, *shape), the channels last."""
        channels, *positions = self.layer.population.shape
        return self.spikes.reshape(*self.spikes.shape[:2], *positions, channels)
