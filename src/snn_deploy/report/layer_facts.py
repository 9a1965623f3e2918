"""layer_facts: what every layer of an integer network holds and does, measured on samples."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snn_deploy.deploy.running.backend import load_backend
from snn_deploy.deploy.running.simulation import as_frames
from snn_deploy.export.proof.prove_bounds import prove_bounds
from snn_deploy.network import integer_semantics
from snn_deploy.network.integer_network import IntegerNetwork
from snn_deploy.network.layer_activity import LayerActivity
from snn_deploy.network.state_units import LARGEST_STATE, STATE_SHIFT

HISTOGRAM_FIRST, HISTOGRAM_LAST, HISTOGRAM_BINS = -4.0, 4.0, 80  # in thresholds
_VALUES_AT_A_TIME = 1 << 26  # recorded spikes in memory, one byte each
_POTENTIALS = 1 << 23  # of the plain reference, which keeps them in 8 bytes


@dataclass(frozen=True)
class LayerFacts:
    """One population and what arrives at it.

    dead_channels: those that fired nowhere; saturated: how many fired everywhere in every step. rate: spikes per neuron
    and step; these three are None where it never fires. operations: synaptic operations that arrive, per sample.
    weights: value -> how many synapse weights have it, sorted. bits_used: of a signed weight, that the largest needs.
    margin_bits: log2 of the largest state that fits over the largest that any input can cause. potentials: counts of
    potentials before the reset, below the first edge, in HISTOGRAM_BINS equal bins and above the last, in thresholds;
    None where no threshold is above 0. adapts: whether spikes raise thresholds; potentials count the constant part.
    """

    name: str
    shape: tuple[int, ...]
    fires: bool
    sources: tuple[str, ...]
    rate: float | None
    dead_channels: tuple[int, ...] | None
    saturated: int | None
    operations: float
    weights: dict[int, int]
    bits_used: int
    margin_bits: float
    potentials: tuple[int, ...] | None
    adapts: bool = False

    @property
    def dead(self) -> int | None:
        """How many channels fired nowhere; None where it never fires."""
        return None if self.dead_channels is None else len(self.dead_channels)

    @property
    def neurons(self) -> int:
        """How many."""
        return math.prod(self.shape)


def layer_facts(
    network: IntegerNetwork, inputs: np.ndarray, progress: Callable[[int], None] | None = None
) -> tuple[LayerFacts, ...]:
    """Return the facts of every population in order, measured on `inputs` (see simulation.as_frames).

    Potentials come from the plain reference, on the first samples alone: as many as it does in seconds.
    progress: called with the number of samples just finished.
    """
    frames = as_frames(network, inputs)
    samples, steps = frames.shape[1], network.steps
    sums = {p.name: np.zeros(p.shape, np.int64) for p in network.populations}
    operations = dict.fromkeys((c.name for c in network.connections), 0.0)
    cpu = load_backend("cpu")
    neurons = sum(math.prod(p.shape) for p in network.populations)
    size = max(1, _VALUES_AT_A_TIME // (steps * neurons))
    for start in range(0, samples, size):
        part = cpu.run(network, frames[:, start : start + size], record=True, progress=progress)
        assert part.spikes is not None  # record=True
        for name in sums:
            sums[name] += part.spikes[name].sum(axis=(0, 1), dtype=np.int64)
        for name, counts in part.synaptic_operations.items():
            operations[name] += float(counts.sum()) / samples
    histograms = _histograms(network, frames[:, : max(1, min(samples, _POTENTIALS // (steps * neurons)))])
    bounds = prove_bounds(network)
    layers = []
    for p in network.populations:
        arriving = network.connections_to(p.name)
        weights = np.concatenate([c.weights.ravel().astype(int) for c in arriving])
        values, counts = np.unique(weights, return_counts=True)
        possible_spikes = math.prod(p.shape[1:]) * steps * samples  # of a channel
        activity = LayerActivity(sums[p.name].reshape(p.shape[0], -1).sum(axis=1), possible_spikes)
        largest = max(int(bounds[p.name].current.max()), int(bounds[p.name].potential.max()), 1)
        layers.append(
            LayerFacts(
                name=p.name,
                shape=p.shape,
                fires=p.fires,
                sources=tuple(c.source for c in arriving),
                rate=activity.rate if p.fires else None,
                dead_channels=tuple(np.flatnonzero(activity.dead).tolist()) if p.fires else None,
                saturated=int(activity.saturated.sum()) if p.fires else None,
                operations=sum(operations[c.name] for c in arriving),
                weights=dict(zip(values.tolist(), counts.tolist(), strict=True)),
                bits_used=int(max(abs(values.min()), abs(values.max()))).bit_length() + 1,
                margin_bits=math.log2(LARGEST_STATE / largest),
                potentials=histograms.get(p.name),
                adapts=p.adapts,
            )
        )
    return tuple(layers)


def _histograms(network: IntegerNetwork, frames: np.ndarray) -> dict[str, tuple[int, ...]]:
    """Return population -> counts of its potentials before the reset, in thresholds."""
    edges = np.linspace(HISTOGRAM_FIRST, HISTOGRAM_LAST, HISTOGRAM_BINS + 1)
    edges = np.concatenate([[-np.inf], edges, [np.inf]])
    counts: dict[str, np.ndarray] = {}
    measured = [p for p in network.populations if p.fires and p.threshold.min() > 0]
    for states in integer_semantics.steps(network, frames):
        for p in measured:
            threshold = p.threshold.reshape(-1, *[1] * (len(p.shape) - 1)).astype(float) * 2**STATE_SHIFT
            bins = np.histogram(states[p.name].potential / threshold, edges)[0]
            counts[p.name] = counts.get(p.name, 0) + bins
    return {name: tuple(c.tolist()) for name, c in counts.items()}
