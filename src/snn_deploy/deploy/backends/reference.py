"""Backend `reference`: the integer semantics themselves, slow and plain; what the others are held against."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from snn_deploy.deploy.running.event_counts import simulation_from_spikes
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames, joined
from snn_deploy.network import integer_semantics
from snn_deploy.network.class_outputs import class_outputs
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.value_reading import gives_values

_SAMPLES_AT_A_TIME = 16


def why_unavailable() -> str | None:
    """Return None: plain numpy works everywhere."""
    return None


def run(
    network: IntegerNetwork, inputs: np.ndarray, *, record: bool = False, progress: Progress | None = None
) -> Simulation:
    """Return what the integer semantics make of `inputs` (see simulation.as_frames)."""
    frames = as_frames(network, inputs)
    parts = []
    for start in range(0, frames.shape[1], _SAMPLES_AT_A_TIME):
        chunk = frames[:, start : start + _SAMPLES_AT_A_TIME]
        parts.append(_simulation(network, chunk, integer_semantics.steps(network, chunk), record=record))
        if progress:
            progress(chunk.shape[1])
    return joined(parts)


def stream(network: IntegerNetwork) -> "Stream":
    """Return `network` at rest, for frames that come one after another; see deploy/running/streaming.py."""
    return Stream(network)


class Stream:
    """A network that goes on from where its last steps left it."""

    def __init__(self, network: IntegerNetwork) -> None:
        self._network = network
        self.to_rest()

    def to_rest(self) -> None:
        """Forget the steps so far."""
        self._stepper = integer_semantics.Stepper(self._network, 1)

    def advance(self, frames: np.ndarray, *, record: bool = False) -> Simulation:
        """Return what the network does in as many steps as there are `frames`, (steps, 1, *input shape)."""
        return _simulation(self._network, frames, map(self._stepper.step, frames), record=record)

    def clear_output(self) -> None:
        """Set the output's potentials to what they were before the first step."""
        output = self._network.output
        initial = integer_semantics.at_rest(output, 1).left
        self._stepper.states[output.name] = replace(self._stepper.states[output.name], left=initial)


def _simulation(
    network: IntegerNetwork,
    frames: np.ndarray,
    states_of_steps: Iterable[Mapping[str, integer_semantics.PopulationState]],
    *,
    record: bool,
) -> Simulation:
    output = network.output
    spikes = {p.name: np.zeros((*frames.shape[:2], *p.shape), np.uint8) for p in network.populations}
    wrapped, saturated = ({p.name: np.zeros(frames.shape[1], np.int64) for p in network.populations} for _ in range(2))
    by_step: list[np.ndarray] = []
    for t, states in enumerate(states_of_steps):
        for name, state in states.items():
            spikes[name][t] = state.spikes
            wrapped[name] += _of_samples(state.is_wrapped)
            saturated[name] += _of_samples(state.is_saturated)
        if gives_values(network):
            by_step.append(states[output.name].left.reshape(frames.shape[1], -1))
    outputs = class_outputs(output, spikes[output.name], states[output.name].left)
    sent = {network.input.name: np.array(frames, np.uint8)} | spikes
    read = np.stack(by_step) if by_step else None
    simulation = simulation_from_spikes(network, outputs, sent, record=record, outputs_by_step=read)
    return replace(simulation, wrapped_currents=wrapped, saturated_potentials=saturated)


def _of_samples(happened: np.ndarray) -> np.ndarray:
    """Return at how many neurons of each sample it happened, (samples,)."""
    return np.count_nonzero(happened.reshape(len(happened), -1), axis=1)
