"""layer_activity: what spike counts say of a layer: its rate, and which of its parts never or always fire."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LayerActivity:
    """Spikes of the channels of a layer, or of its single neurons, on some samples.

    spikes: (parts,), of each channel or neuron, in all steps and samples. possible_spikes: the most that one of them
    can fire: steps * samples for a neuron, times its neurons for a channel.
    """

    spikes: np.ndarray
    possible_spikes: int

    @property
    def rate(self) -> float:
        """Spikes per neuron and step, from 0 to 1."""
        return float(self.spikes.sum() / (len(self.spikes) * self.possible_spikes))

    @property
    def dead(self) -> np.ndarray:
        """Which parts fired nowhere, (parts,)."""
        return np.asarray(self.spikes == 0)

    @property
    def saturated(self) -> np.ndarray:
        """Which parts fired everywhere in every step, (parts,)."""
        return np.asarray(self.spikes == self.possible_spikes)
