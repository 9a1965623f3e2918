"""run_with_exits: samples on any backend, each until its output is sure; what was counted is counted up to there."""

from dataclasses import dataclass, replace

import numpy as np

from snn_deploy.deploy.exits.exit_policy import ExitPolicy, require_same_network
from snn_deploy.deploy.running.backend import Backend
from snn_deploy.deploy.running.simulation import Interrupted, Progress, Simulation, as_frames, is_static, joined
from snn_deploy.network.integer_network import IntegerNetwork


@dataclass(frozen=True)
class ExitedSamples:
    """simulation: of all samples, each up to its exit, in their order. steps: (samples,), int64, of each.

    Recorded spikes are of all steps of the network, and 0 after the exit.
    """

    simulation: Simulation
    steps: np.ndarray


def run_with_exits(
    network: IntegerNetwork,
    inputs: np.ndarray,
    policy: ExitPolicy,
    backend: Backend,
    progress: Progress | None = None,
    *,
    record: bool = False,
) -> ExitedSamples:
    """Return what `backend` makes of `inputs` (see simulation.as_frames), where samples stop as `policy` says.

    A simulator has no step in which it could stop: it runs one step, then the samples that go on two steps, and so on.
    An interrupt raises Interrupted without a simulation: some samples would have no exit. record: also every spike.
    """
    require_same_network(policy, network, "exits")
    frames = as_frames(network, inputs)
    images = frames[0] if is_static(frames) else None
    waiting = np.arange(frames.shape[1])
    parts: list[Simulation] = []
    order: list[np.ndarray] = []
    steps = np.zeros(len(waiting), np.int64)
    try:
        for step in range(1, network.steps + 1):
            shorter = replace(network, steps=step)
            shown = frames[:step, waiting] if images is None else images[waiting]
            found = backend.run(shorter, shown, record=record)
            stops = policy.stops(found.outputs, step)
            if stops.any():
                parts.append(_chosen(found, stops, network.steps))
                order.append(waiting[stops])
                steps[waiting[stops]] = step
                if progress:
                    progress(int(stops.sum()))
            waiting = waiting[~stops]
            if not len(waiting):
                break
    except Interrupted as interrupt:
        raise Interrupted(None) from interrupt
    return ExitedSamples(_chosen(joined(parts), np.argsort(np.concatenate(order)), network.steps), steps)


def _chosen(simulation: Simulation, samples: np.ndarray, steps: int) -> Simulation:
    """Return the counts of `samples`, a mask or indices, and recorded spikes, with 0 up to `steps` steps."""

    def chosen(counts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: values[samples] for name, values in counts.items()}

    def lengthened(spikes: np.ndarray) -> np.ndarray:
        of_samples = spikes[:, samples]
        missing = np.zeros((steps - len(of_samples), *of_samples.shape[1:]), of_samples.dtype)
        return np.concatenate([of_samples, missing])

    spikes = simulation.spikes
    wrapped, saturated = simulation.wrapped_currents, simulation.saturated_potentials
    return Simulation(
        outputs=simulation.outputs[samples],
        spike_counts=chosen(simulation.spike_counts),
        synaptic_operations=chosen(simulation.synaptic_operations),
        spikes=None if spikes is None else {name: lengthened(values) for name, values in spikes.items()},
        wrapped_currents=None if wrapped is None else chosen(wrapped),
        saturated_potentials=None if saturated is None else chosen(saturated),
    )
