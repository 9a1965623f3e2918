"""operands: the numbers that made one neuron fire or stay silent in one step, as the reference computes them.

Where a backend differs first, everything that reached the neuron until then was the same on both, so the cause is among
these numbers: a synapse that was left out or doubled, a rounding, the comparison with the threshold.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.network import integer_semantics
from snn_deploy.network.arriving_synapses import arriving_synapses
from snn_deploy.network.integer_network import IntegerConnection, IntegerNetwork
from snn_deploy.network.state_units import STATE_SHIFT

_SHOWN_SYNAPSES = 12


@dataclass(frozen=True)
class Arrival:
    """A synapse that brought something: `value` of the source neuron in `step`, times weight * 2^exponent."""

    connection: str
    source: str
    index: tuple[int, ...]
    step: int
    value: int
    weight: int
    exponent: int

    @property
    def contribution(self) -> int:
        """What it added to the sum."""
        return self.value * self.weight << self.exponent


@dataclass(frozen=True)
class NeuronState:
    """A neuron in one step, in state units (1/64 of a weight step).

    potential: before the reset. left: after it, what the next step goes on from. spike: 0 or 1. rise: of the threshold,
    after the step.
    """

    step: int
    current: int
    potential: int
    left: int
    spike: int
    rise: int = 0


@dataclass(frozen=True)
class Operands:
    """What a neuron of the reference computed in one step; integer_semantics.py has the formulas.

    arrivals: synapses whose source was not 0. total: their sum, in weights. current, potential: in state units, before
    the step and after the arrival, the potential before the reset. threshold: in state units, with the rise that the
    neuron's own spikes have left of it, None for an output that never fires; rise: that part of it. history: the steps
    before.
    """

    arrivals: tuple[Arrival, ...]
    total: int
    current_before: int
    current_keep: int
    current: int
    potential_before: int
    voltage_keep: int
    bias: int
    potential: int
    threshold: int | None
    spike: int
    rise: int
    history: tuple[NeuronState, ...]

    def lines(self) -> list[str]:
        """Return the operands in words, the largest arrivals first."""
        largest = sorted(self.arrivals, key=lambda a: -abs(a.contribution))
        shown = [
            f"  {a.contribution:+d} from {a.source!r} {list(a.index)} in step {a.step}: "
            f"value {a.value} x weight {a.weight}" + (f" x 2^{a.exponent}" if a.exponent else "")
            for a in largest[:_SHOWN_SYNAPSES]
        ]
        left = largest[_SHOWN_SYNAPSES:]
        if left:
            shown.append(f"  {sum(a.contribution for a in left):+d} from {len(left)} more, all in --json")
        kept = f"{self.current_before} x {self.current_keep}/4096 before, and {self.total} x {2**STATE_SHIFT} arrived"
        bias = f" + bias {self.bias}" if self.bias else ""
        state = f"{self.potential_before} x {self.voltage_keep}/4096 before + current {self.current}{bias}"
        end = [] if self.threshold is None else [self._comparison()]
        return [
            "the reference's operands there:",
            f"  arriving synapses: {len(self.arrivals)}, sum {self.total}",
            *(f"  {line}" for line in shown),
            f"  current {self.current}: {kept}",
            f"  potential {self.potential}: {state}",
            *end,
        ]

    def _comparison(self) -> str:
        assert self.threshold is not None
        gap = self.potential - self.threshold
        where = "exactly at" if gap == 0 else f"{abs(gap)} {'above' if gap > 0 else 'below'}"
        raised = f", {self.rise} of it from earlier spikes" if self.rise else ""
        return f"  {where} the threshold {self.threshold}{raised}: {'fires' if self.spike else 'stays silent'}"

    def as_json(self) -> dict[str, Any]:
        """Return the operands as plain dictionaries and lists."""
        return {
            **asdict(self),
            "arrivals": [{**asdict(a), "index": list(a.index), "contribution": a.contribution} for a in self.arrivals],
            "history": [asdict(state) for state in self.history],
        }


def find_operands(
    network: IntegerNetwork, inputs: np.ndarray, population: str, step: int, sample: int, index: tuple[int, ...]
) -> Operands:
    """Return the operands of neuron `index` of `population` in `step` of one sample of `inputs` (see as_frames)."""
    frames = as_frames(network, inputs)[: step + 1, sample : sample + 1]
    connections = [c for c in network.connections_to(population) if c.delay <= step]
    neurons = next(p for p in network.populations if p.name == population)
    at, channel = (0, *index), index[0]
    history = [_state_of(integer_semantics.at_rest(neurons, 1), at, step=-1)]
    sent = {c.name: frames[step - c.delay] for c in connections if c.source == network.input.name}
    for t, states in enumerate(integer_semantics.steps(network, frames)):
        history.append(_state_of(states[population], at, step=t))
        sent |= {c.name: states[c.source].spikes for c in connections if c.source in states and t == step - c.delay}
    *_, before, now = history
    return Operands(
        arrivals=tuple(a for c in connections for a in _arrivals(network, c, sent[c.name][0], step - c.delay, index)),
        total=sum(int(integer_semantics.delivered(c, sent[c.name])[at]) for c in connections),
        current_before=before.current,
        current_keep=int(neurons.current_keep[channel]),
        current=now.current,
        potential_before=before.left,
        voltage_keep=int(neurons.voltage_keep[channel]),
        bias=int(neurons.bias[channel]),
        potential=now.potential,
        threshold=(int(neurons.threshold[channel]) << STATE_SHIFT) + before.rise if neurons.fires else None,
        spike=now.spike,
        rise=before.rise,
        history=tuple(history[1:-1]),
    )


def _state_of(state: integer_semantics.PopulationState, at: tuple[int, ...], step: int) -> NeuronState:
    """Return the state of the neuron `at`, (sample, *index)."""
    states = (state.current, state.potential, state.left, state.spikes, state.rise)
    return NeuronState(step, *(int(values[at]) for values in states))


def _arrivals(
    network: IntegerNetwork, c: IntegerConnection, values: np.ndarray, step: int, index: tuple[int, ...]
) -> list[Arrival]:
    """Return what `values`, (*source shape), sent in `step`, bring to the neuron `index` through single synapses."""
    return [
        Arrival(c.name, c.source, s.index, step, int(values[s.index]), s.weight, c.exponent)
        for s in arriving_synapses(c, network.shape_of(c.source), index)
        if values[s.index]
    ]
