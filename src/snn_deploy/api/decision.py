"""decision: what a network says after each window of a stream, and what it did in it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.running.simulation import Simulation
from snn_deploy.deploy.running.streaming import Streaming, gathers
from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import reading_of
from snn_deploy.support.result import Block, Result

_STEPS_AT_ONCE = 32  # more would take memory and be hardly faster

Arrival = tuple[float, np.ndarray, int]
"""When frames came (time.perf_counter), uint8 (frames, *input shape), and how many of their values were clipped."""


@dataclass(frozen=True, repr=False)
class Decision(Result):
    """What a network says after one window of a stream.

    step: how many steps the stream has had. predicted: the class, the first of the largest outputs; None where the
    network gives values, which are then `values`, (values,), as they are read after the last step. outputs:
    (classes,), what the output has gathered in this window: spikes of one that fires; else potentials in 1/64 of a
    weight step. latency: seconds from the arrival of the window's last frame to the decision. spike_counts,
    synaptic_operations: of the window. overflows: states that left their 24 bits in it. clipped: values outside of the
    range of the training samples. spikes: population and input -> (steps, *shape), where they are recorded.
    """

    step: int
    predicted: int | None
    outputs: np.ndarray
    latency: float
    spike_counts: dict[str, int]
    synaptic_operations: dict[str, int]
    overflows: int = 0
    clipped: int = 0
    spikes: dict[str, np.ndarray] | None = None
    values: np.ndarray | None = None

    def headline(self) -> str:
        """Return step, class or values, and latency."""
        said = (
            f"class {self.predicted}" if self.values is None else f"value {' '.join(f'{v:.4f}' for v in self.values)}"
        )
        return f"step {self.step}: {said}, {1000 * self.latency:.2f} ms"

    def blocks(self) -> tuple[Block, ...]:
        """Return one line."""
        lost = f", {self.overflows} states left 24 bits" if self.overflows else ""
        clipped = f", {self.clipped} values clipped" if self.clipped else ""
        return (f"{self.headline()}, outputs {' '.join(map(str, self.outputs.tolist()))}{lost}{clipped}",)

    def to_dict(self) -> dict[str, object]:
        """Return everything but the spikes; the latency in seconds."""
        return {
            "step": self.step,
            **({"class": self.predicted} if self.values is None else {"values": self.values.tolist()}),
            "latency": self.latency,
            "outputs": self.outputs.tolist(),
            "spikes": self.spike_counts,
            "synaptic_operations": self.synaptic_operations,
            "overflows": self.overflows,
            "clipped": self.clipped,
        }


class Stream(Iterator[Decision]):
    """Decisions, one for each window. steps: that the stream has had. left_over: those after the last decision."""

    def __init__(
        self,
        network: IntegerNetwork,
        running: Streaming,
        arrivals: Iterator[Arrival],
        window: int,
        *,
        from_rest: bool,
        record: bool,
    ) -> None:
        self.steps = self.left_over = 0
        self._network, self._running, self._window = network, running, window
        self._reading = reading_of(network)
        self._from_rest, self._record = from_rest, record
        self._decisions = self._read(arrivals)

    def __next__(self) -> Decision:
        return next(self._decisions)

    def _read(self, arrivals: Iterator[Arrival]) -> Iterator[Decision]:
        parts: list[Simulation] = []
        clipped = 0
        for arrived, block, lost in arrivals:
            clipped += lost
            rest = block
            while len(rest):
                now, rest = np.split(rest, [min(self._window - self.left_over, _STEPS_AT_ONCE)])
                parts.append(self._running.advance(now[:, None], record=self._record))
                self.steps, self.left_over = self.steps + len(now), self.left_over + len(now)
                if self.left_over == self._window:
                    yield self._decision(parts, arrived, clipped)
                    parts, clipped, self.left_over = [], 0, 0

    def _decision(self, parts: list[Simulation], arrived: float, clipped: int) -> Decision:
        """Return the decision of a whole window, and prepare the next one."""
        outputs = sum(part.outputs for part in parts) if self._network.output.fires else parts[-1].outputs
        predicted = int(predicted_classes(np.asarray(outputs))[0]) if self._reading is None else None
        latency = time.perf_counter() - arrived
        if self._from_rest:
            self._running.to_rest()
        elif gathers(self._network):
            self._running.clear_output()
        lost = [counts for part in parts for counts in (part.wrapped_currents, part.saturated_potentials) if counts]
        return Decision(
            self.steps,
            predicted,
            np.asarray(outputs)[0],
            latency,
            _total([part.spike_counts for part in parts]),
            _total([part.synaptic_operations for part in parts]),
            sum(sum(_total([counts]).values()) for counts in lost),
            clipped,
            _together(parts) if self._record else None,
            None if self._reading is None else self._reading.values(np.asarray(outputs)[0]),
        )


def _total(counts: list[dict[str, np.ndarray]]) -> dict[str, int]:
    """Return name -> the sum of the counts, each (1,), of successive steps."""
    return {name: sum(int(part[name][0]) for part in counts) for name in counts[0]}


def _together(parts: list[Simulation]) -> dict[str, np.ndarray]:
    """Return name -> (steps, *shape), the spikes of successive steps of the one sample."""
    recorded = [part.spikes for part in parts if part.spikes is not None]
    return {name: np.concatenate([spikes[name][:, 0] for spikes in recorded]) for name in recorded[0]}
