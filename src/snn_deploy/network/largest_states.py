"""largest_states: how far the currents and potentials of a network in floats go on samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snn_deploy.network import float_semantics
from snn_deploy.network.float_network import FloatNetwork

_VALUES_AT_A_TIME = 2**22  # neurons times samples; some arrays of so many doubles are in memory


@dataclass(frozen=True)
class LargestStates:
    """The largest |current| and |potential| before the reset, of any neuron of each channel; double, (channels,)."""

    current: np.ndarray
    potential: np.ndarray

    @property
    def largest(self) -> np.ndarray:
        """The largest size of any state."""
        return np.maximum(self.current, self.potential)


def largest_states(
    network: FloatNetwork, frames: np.ndarray, progress: Callable[[int], None] | None = None
) -> dict[str, LargestStates]:
    """Return population -> its largest states, in the unit of its weights.

    frames: (steps, samples, *input shape), whole numbers as the input takes them. progress: called with the number of
    samples just finished.
    """
    found = {p.name: LargestStates(*np.zeros((2, p.shape[0]))) for p in network.populations}
    neurons = sum(int(np.prod(p.shape)) for p in network.populations)
    size = max(1, _VALUES_AT_A_TIME // neurons)
    for start in range(0, frames.shape[1], size):
        chunk = frames[:, start : start + size]
        for states in float_semantics.steps(network, chunk):
            for name, state in states.items():
                before = found[name]
                found[name] = LargestStates(
                    np.maximum(before.current, _of_channels(state.current)),
                    np.maximum(before.potential, _of_channels(state.potential)),
                )
        if progress:
            progress(chunk.shape[1])
    return found


def _of_channels(values: np.ndarray) -> np.ndarray:
    """Return the largest size in each channel of (batch, channels, ...)."""
    largest: np.ndarray = np.abs(values).max(axis=(0, *range(2, values.ndim)))
    return largest
