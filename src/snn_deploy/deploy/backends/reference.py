"""Backend `reference`: the integer semantics themselves, slow and plain; what the others are held against."""

import numpy as np

from snn_deploy.deploy.running.event_counts import simulation_from_spikes
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames, joined
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerNetwork

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
        trace = integer_semantics.run(network, chunk)
        output = network.output
        outputs = (
            trace.spikes[output.name].sum(axis=0, dtype=np.int64) if output.fires else trace.potentials[output.name][-1]
        )
        outputs = outputs.reshape(len(outputs), -1)
        parts.append(simulation_from_spikes(network, outputs, trace.spikes, record=record))
        if progress:
            progress(chunk.shape[1])
    return joined(parts)
