"""mean_spikes: how often each neuron fires in each step of a sample, the mean over many samples."""

import math

import numpy as np

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.simulation import Progress, Simulation, as_frames
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.support.user_error import UserError

_VALUES_AT_A_TIME = 1 << 26  # recorded spikes in memory, one byte each


def mean_spikes(network: IntegerNetwork, inputs: np.ndarray, progress: Progress | None = None) -> dict[str, np.ndarray]:
    """Return population or input -> spikes of each neuron in each step, (steps, *shape), the mean over `inputs`.

    inputs: see simulation.as_frames. A graded input counts every value that is not zero as one spike.
    """
    frames, cpu = as_frames(network, inputs), load_backend("cpu")
    samples = frames.shape[1]
    neurons = sum(math.prod(p.shape) for p in network.populations) + math.prod(network.input.shape)
    size = max(1, _VALUES_AT_A_TIME // (network.steps * neurons))
    names = {network.input.name: network.input.shape, **{p.name: p.shape for p in network.populations}}
    sums = {name: np.zeros((network.steps, *shape)) for name, shape in names.items()}
    for start in range(0, samples, size):
        part = cpu.run(network, frames[:, start : start + size], record=True, progress=progress)
        for name, counts in _counted(part).items():
            sums[name] += counts
    return {name: total / samples for name, total in sums.items()}


def mean_of_recorded(simulation: Simulation) -> dict[str, np.ndarray]:
    """Return what `mean_spikes` returns, of a simulation that recorded its spikes; another one is a UserError."""
    return {name: counts / len(simulation.outputs) for name, counts in _counted(simulation).items()}


def recorded_spikes(simulation: Simulation) -> dict[str, np.ndarray]:
    """Return population or input -> (steps, samples, *shape) of a simulation that recorded its spikes; or UserError."""
    if simulation.spikes is None:
        raise UserError("spikes: this run kept only their counts. Run with record=True, or give the inputs instead.")
    return simulation.spikes


def _counted(simulation: Simulation) -> dict[str, np.ndarray]:
    return {name: np.count_nonzero(spikes, axis=1) for name, spikes in recorded_spikes(simulation).items()}
