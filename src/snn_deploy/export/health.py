"""health: what an export did to each layer, beside the network in floats that it came from.

What the integers allow is read from the weights and the proved bounds; rates and agreement are measured on samples, the
integers by integer_semantics, the floats by what the caller hands in, because export runs no float networks.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from snn_deploy.export.to_integer_network import Export
from snn_deploy.network import integer_semantics
from snn_deploy.network.class_outputs import class_outputs, predicted_classes
from snn_deploy.network.float_network import FloatNetwork
from snn_deploy.network.integer_network import IntegerNetwork, IntegerPopulation
from snn_deploy.network.layer_activity import LayerActivity
from snn_deploy.network.value_errors import ValueErrors, value_errors
from snn_deploy.network.value_reading import Readable, gives_values, read_values
from snn_deploy.rounding.limits import Limits

_SAMPLES_AT_A_TIME = 4  # every spike and potential of the float network is in memory


class Recorded(Protocol):
    """What a float network did: name -> (steps, batch, *shape); network/float_semantics.FloatTrace is one."""

    @property
    def spikes(self) -> dict[str, np.ndarray]:
        """Whether each neuron fired."""

    @property
    def potentials(self) -> dict[str, np.ndarray]:
        """The potentials before the reset, after every step."""


RunFloat = Callable[[FloatNetwork, np.ndarray], Recorded]  # network/float_semantics.run


@dataclass(frozen=True)
class LayerHealth:
    """One population, on the samples that were shown.

    dead, saturated: channels that fire nowhere, or everywhere in every step; 0 for an output that never fires.
    rate, float_rate: spikes per neuron and step. rate_drift: the largest |difference| of a channel's rates.
    spike_agreement: of the spikes that either network fires, the share that both fire at the same neuron and step; 1
    where there are none. weight_error: root mean square of what rounding changed, relative to that of the weights.
    bits_lost: of the weights' bits, how many the largest stored weight leaves unused, of the worst connection.
    margin_bits: log2 of the largest state that fits over the largest that any input can cause.
    decay_rounding: the largest change of a decay, of the current's or the potential's, on its way to the chip's.
    threshold_steps: the smallest threshold in units of a weight: 1 / threshold_steps is the resolution; None if silent.
    """

    population: str
    channels: int
    fires: bool
    dead: int
    saturated: int
    rate: float
    float_rate: float
    rate_drift: float
    spike_agreement: float
    weight_error: float
    bits_lost: int
    margin_bits: float
    decay_rounding: float
    threshold_steps: int | None


@dataclass(frozen=True)
class Health:
    """An export's layers, and on how many of the samples both networks choose the same class (a share).

    agreement: None of networks that give values. values: how far these are from the floats'; None of others.
    spike_agreement: of the spikes that either network fires, the share that both fire at the same neuron and step; 1
    where there are none.
    """

    samples: int
    agreement: float | None
    spike_agreement: float
    layers: tuple[LayerHealth, ...]
    values: ValueErrors | None = None


def health(
    network: FloatNetwork,
    export: Export,
    limits: Limits,
    inputs: np.ndarray,
    run_float: RunFloat,
    *,
    progress: Callable[[int], None] | None = None,
) -> Health:
    """Return the health of `export`, made of `network` within `limits`.

    inputs: (samples, *input shape), shown in every step, or (steps, samples, *input shape), a frame for each; whole
    numbers as the input takes them. run_float: what a float network does with frames, network/float_semantics.run.
    progress: called with the number of samples just finished.
    """
    integer, output = export.network, export.network.output
    shown = np.asarray(inputs)
    if shown.ndim == len(integer.input.shape) + 1:
        shown = np.broadcast_to(shown, (integer.steps, *shown.shape))
    samples = shown.shape[1]
    counts = {p.name: _Counts(p) for p in integer.populations}
    same, reads = 0, gives_values(integer)
    values: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])  # of the integers and of the floats
    for start in range(0, samples, _SAMPLES_AT_A_TIME):
        frames = shown[:, start : start + _SAMPLES_AT_A_TIME]
        floats = run_float(network, frames)
        output_spikes, potentials = [], []
        for t, states in enumerate(integer_semantics.steps(integer, frames)):
            for p in integer.populations:
                counts[p.name].add(states[p.name].spikes.astype(bool), floats.spikes[p.name][t].astype(bool))
            output_spikes.append(states[output.name].spikes)
            potentials.append(states[output.name].left)
        outputs = class_outputs(output, np.stack(output_spikes), states[output.name].left)
        float_outputs = class_outputs(output, floats.spikes[output.name], floats.potentials[output.name][-1])
        same += int((predicted_classes(outputs) == predicted_classes(float_outputs)).sum())
        if reads:
            readings: tuple[Readable, Readable] = (integer, network)
            by_step = (np.stack(potentials), floats.potentials[output.name])
            for found, network_of, read in zip(values, readings, by_step, strict=True):
                found.append(read_values(network_of, read.reshape(*read.shape[:2], -1)))
        if progress:
            progress(frames.shape[1])
    layers = tuple(_layer(p, counts[p.name], export, limits) for p in integer.populations)
    both, either = (sum(counted) for counted in zip(*(c.both_and_either for c in counts.values()), strict=True))
    spike_agreement = both / either if either else 1.0
    if reads:
        errors = value_errors(np.concatenate(values[0]), np.concatenate(values[1]))
        return Health(samples, None, spike_agreement, layers, errors)
    return Health(samples, same / samples, spike_agreement, layers)


class _Counts:
    """Spikes per channel, added up over samples: of the integers, of the floats, of both at once."""

    def __init__(self, population: IntegerPopulation) -> None:
        self.spikes, self.float_spikes, self.both = np.zeros((3, population.shape[0]), np.int64)
        self.possible_spikes = 0  # of a channel: its neurons, times steps, times samples

    def add(self, here: np.ndarray, there: np.ndarray) -> None:
        """Count one step; whether each neuron fired, (batch, *shape), of the integers and of the floats."""
        axes = (0, *range(2, here.ndim))
        self.spikes += here.sum(axis=axes)
        self.float_spikes += there.sum(axis=axes)
        self.both += (here & there).sum(axis=axes)
        self.possible_spikes += here.size // here.shape[1]

    @property
    def both_and_either(self) -> tuple[int, int]:
        """How many spikes both networks fired, and how many either did."""
        both = int(self.both.sum())
        return both, int((self.spikes + self.float_spikes).sum()) - both


def _layer(population: IntegerPopulation, counts: _Counts, export: Export, limits: Limits) -> LayerHealth:
    name, fires = population.name, population.fires
    activity = LayerActivity(counts.spikes, counts.possible_spikes)
    both, either = counts.both_and_either
    largest = max(int(export.bounds[name].current.max()), int(export.bounds[name].potential.max()), 1)
    return LayerHealth(
        population=name,
        channels=population.shape[0],
        fires=fires,
        dead=int(activity.dead.sum()) if fires else 0,
        saturated=int(activity.saturated.sum()) if fires else 0,
        rate=activity.rate,
        float_rate=LayerActivity(counts.float_spikes, counts.possible_spikes).rate,
        rate_drift=float(np.abs(counts.spikes - counts.float_spikes).max() / counts.possible_spikes),
        spike_agreement=both / either if either else 1.0,
        weight_error=_weight_error(name, export),
        bits_lost=_bits_lost(export.network, name, limits),
        margin_bits=math.log2(limits.largest_state / largest),
        decay_rounding=export.rounded_decays.get(name, 0.0),
        threshold_steps=int(population.threshold.min()) if fires else None,
    )


def _weight_error(name: str, export: Export) -> float:
    """Return the relative error of the integer weights of the population `name`, as root mean square."""
    fit, error, whole = export.fits[name], 0.0, 0.0
    assert export.folded is not None  # only floats that became integers are measured
    real = [c.weights for c in export.folded.connections if c.target == name]
    for weights, values in zip(real, fit.values, strict=True):
        units = fit.units.reshape(-1, *[1] * (weights.ndim - 1))
        error += float(np.square(values * units - weights).sum())
        whole += float(np.square(weights).sum())
    return math.sqrt(error / whole) if whole else 0.0


def _bits_lost(network: IntegerNetwork, name: str, limits: Limits) -> int:
    used = [int(np.abs(c.weights.astype(int)).max()).bit_length() for c in network.connections_to(name)]
    return max(0, limits.weight_bits - 1 - min(used))
