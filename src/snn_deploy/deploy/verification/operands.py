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
from snn_deploy.network.integer_network import IntegerNetwork
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
    def worth(self) -> int:
        """What it added to the sum."""
        return self.value * self.weight << self.exponent


@dataclass(frozen=True)
class Moment:
    """A neuron's states in one step, in state units (1/64 of a weight): after the reset, and whether it fired."""

    step: int
    current: int
    potential: int
    spike: int


@dataclass(frozen=True)
class Operands:
    """What a neuron of the reference computed in one step; integer_semantics.py has the formulas.

    arrivals: synapses whose source was not 0. total: their sum, in weights. current, potential: in state units, before
    the step and after the arrival, the potential before the reset. threshold: in state units, None for an output that
    never fires. history: the steps before.
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
    history: tuple[Moment, ...]

    def lines(self) -> list[str]:
        """Return the operands in words, the largest arrivals first."""
        largest = sorted(self.arrivals, key=lambda a: -abs(a.worth))
        shown = [
            f"  {a.worth:+d} from {a.source!r} {list(a.index)} in step {a.step}: value {a.value} x weight {a.weight}"
            + (f" x 2^{a.exponent}" if a.exponent else "")
            for a in largest[:_SHOWN_SYNAPSES]
        ]
        left = largest[_SHOWN_SYNAPSES:]
        if left:
            shown.append(f"  {sum(a.worth for a in left):+d} from {len(left)} more, all in --json")
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
        return f"  {where} the threshold {self.threshold}: {'fires' if self.spike else 'stays silent'}"

    def as_json(self) -> dict[str, Any]:
        """Return the operands as plain dictionaries and lists."""
        return {
            **asdict(self),
            "arrivals": [{**asdict(a), "index": list(a.index), "worth": a.worth} for a in self.arrivals],
            "history": [asdict(moment) for moment in self.history],
        }


def find_operands(
    network: IntegerNetwork, inputs: np.ndarray, population: str, step: int, sample: int, index: tuple[int, ...]
) -> Operands:
    """Return the operands of neuron `index` of `population` in `step` of one sample of `inputs` (see as_frames)."""
    frames = as_frames(network, inputs)[: step + 1, sample : sample + 1]
    trace = integer_semantics.run(network, frames)
    neurons = next(p for p in network.populations if p.name == population)
    current = np.zeros((1, *neurons.shape), np.int64)
    potential = current + neurons.initial_value.reshape(-1, *[1] * (len(neurons.shape) - 1))
    at = (0, *index)
    moments = []
    for t in range(step + 1):
        arriving = np.zeros_like(current)
        for c in network.connections_to(population):
            if t >= c.delay:
                arriving = arriving + integer_semantics.delivered(c, trace.spikes[c.source][t - c.delay])
        before = int(current[at]), int(potential[at])
        current, potential, spikes = integer_semantics.step(neurons, current, potential, arriving)
        moments.append(Moment(t, int(current[at]), int(potential[at]), int(spikes[at])))
    channel = index[0]
    voltage_keep, bias = neurons.voltage_keep[channel], int(neurons.bias[channel])
    kept = integer_semantics.kept(np.array([before[1]], np.int64), np.array([voltage_keep], np.int64))
    reached = integer_semantics.saturated(kept + moments[-1].current + bias)
    return Operands(
        arrivals=_arrivals(network, trace, population, step, index),
        total=int(arriving[at]),
        current_before=before[0],
        current_keep=int(neurons.current_keep[channel]),
        current=moments[-1].current,
        potential_before=before[1],
        voltage_keep=int(voltage_keep),
        bias=bias,
        potential=int(reached[0]),
        threshold=int(neurons.threshold[channel]) << STATE_SHIFT if neurons.fires else None,
        spike=moments[-1].spike,
        history=tuple(moments[:-1]),
    )


def _arrivals(
    network: IntegerNetwork, trace: integer_semantics.Trace, population: str, step: int, index: tuple[int, ...]
) -> tuple[Arrival, ...]:
    found = []
    for c in network.connections_to(population):
        if step < c.delay:
            continue
        values = trace.spikes[c.source][step - c.delay, 0]
        for s in arriving_synapses(c, network.shape_of(c.source), index):
            if value := int(values[s.index]):
                found.append(Arrival(c.name, c.source, s.index, step - c.delay, value, s.weight, c.exponent))
    return tuple(found)
