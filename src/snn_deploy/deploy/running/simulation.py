"""Simulation: what every backend returns, and the form in which every backend takes samples."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from snn_deploy.network.class_outputs import predicted_classes
from snn_deploy.support.user_error import UserError

Progress = Callable[[int], None]  # called with the number of samples just finished


@dataclass(frozen=True)
class Simulation:
    """What a network did with some samples.

    outputs: (samples, classes): the potentials of an output that never fires after the last step, in state
        units (1/64 of a weight), else its spike counts.
    spike_counts: population (and input) -> (samples,): the spikes of all its neurons in all steps; for a graded
        input, the number of values that are not zero.
    synaptic_operations: connection -> (samples,): one per spike and target synapse (see event_counts.py).
    spikes: population (and input) -> (steps, samples, *shape), or None when they were not recorded.
    potentials: population -> (steps, samples, *shape), after the reset, in state units; None when not recorded.
    wrapped_currents, saturated_potentials: population -> (samples,): the states, of a neuron in a step, that left their
        24 bits (see integer_semantics.py); None from backends that cannot count them.
    outputs_by_step: (steps, samples, values): the output's potentials after every step, of a network that gives values
        (network/value_reading.py); None of others.
    """

    outputs: np.ndarray
    spike_counts: dict[str, np.ndarray]
    synaptic_operations: dict[str, np.ndarray]
    spikes: dict[str, np.ndarray] | None = None
    potentials: dict[str, np.ndarray] | None = None
    wrapped_currents: dict[str, np.ndarray] | None = None
    saturated_potentials: dict[str, np.ndarray] | None = None
    outputs_by_step: np.ndarray | None = None

    @property
    def classes(self) -> np.ndarray:
        """The class of each sample, (samples,); the first of the largest outputs."""
        return predicted_classes(self.outputs)


class Interrupted(KeyboardInterrupt):
    """An interrupt that came while samples ran. simulation: of those that were done, None when there were none."""

    def __init__(self, simulation: Simulation | None) -> None:
        super().__init__()
        self.simulation = simulation


class TakesSamples(Protocol):
    """A network, in integers or in floats, as far as samples must fit it."""

    @property
    def input(self) -> "TakesValues":
        """Where samples enter."""

    @property
    def steps(self) -> int:
        """How many steps a sample takes."""


class TakesValues(Protocol):
    """Where samples enter a network."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image or frame."""

    @property
    def largest_value(self) -> int:
        """Of the whole numbers in it."""


def as_frames(network: TakesSamples, inputs: np.ndarray) -> np.ndarray:
    """Return `inputs` as (steps, samples, *input shape), a view without copies.

    inputs: (samples, *input shape), images that are shown in every step; or (steps, samples, *input shape),
    one frame per step. Whole numbers from 0 to the input's largest value, else a UserError.
    """
    inputs, shape = np.asarray(inputs), network.input.shape
    if inputs.shape[1:] == shape:
        inputs = np.broadcast_to(inputs, (network.steps, *inputs.shape))
    elif inputs.shape[2:] != shape:
        raise UserError(
            f"inputs of shape {inputs.shape}; the network takes (samples, {_words(shape)}) or "
            f"(steps, samples, {_words(shape)})."
        )
    if len(inputs) != network.steps:
        raise UserError(f"inputs of {len(inputs)} steps; the network takes {network.steps}.")
    if not inputs.shape[1]:
        raise UserError("inputs of no samples; give at least one.")
    if inputs.dtype.kind not in "uib":
        most = network.input.largest_value
        raise UserError(
            f"inputs of type {inputs.dtype}; the network takes whole numbers 0..{most}. Give the samples as they were "
            f"before they were scaled: of values 0..1, numpy.rint({most} * inputs).astype('uint8')."
        )
    if inputs.size and not (inputs.min() >= 0 and inputs.max() <= network.input.largest_value):
        raise UserError(
            f"inputs {inputs.min()}..{inputs.max()}; the network's input takes 0..{network.input.largest_value}."
        )
    return inputs


def is_static(frames: np.ndarray) -> bool:
    """Whether every step shows the same frame (a view made by `as_frames` from images)."""
    return len(frames) > 1 and frames.strides[0] == 0


def joined(parts: list[Simulation]) -> Simulation:
    """Return the simulations of successive samples as one."""
    first = parts[0]
    return Simulation(
        outputs=np.concatenate([p.outputs for p in parts]),
        spike_counts=_joined(first.spike_counts, [p.spike_counts for p in parts]),
        synaptic_operations=_joined(first.synaptic_operations, [p.synaptic_operations for p in parts]),
        spikes=_joined_steps([p.spikes for p in parts]),
        potentials=_joined_steps([p.potentials for p in parts]),
        wrapped_currents=_joined_counts([p.wrapped_currents for p in parts]),
        saturated_potentials=_joined_counts([p.saturated_potentials for p in parts]),
        outputs_by_step=_joined_outputs([p.outputs_by_step for p in parts]),
    )


def _joined(names: Iterable[str], parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the values (samples,) of successive samples as one."""
    return {n: np.concatenate([part[n] for part in parts]) for n in names}


def _joined_counts(counted: list[dict[str, np.ndarray] | None]) -> dict[str, np.ndarray] | None:
    """Return the values (samples,) of successive samples as one; None where nothing was counted."""
    parts = [part for part in counted if part is not None]
    return _joined(parts[0], parts) if parts else None


def _joined_steps(recorded: list[dict[str, np.ndarray] | None]) -> dict[str, np.ndarray] | None:
    """Return (steps, samples, *shape) of successive samples as one; None where nothing was recorded."""
    parts = [part for part in recorded if part is not None]
    return {n: np.concatenate([part[n] for part in parts], axis=1) for n in parts[0]} if parts else None


def _joined_outputs(recorded: list[np.ndarray | None]) -> np.ndarray | None:
    """Return (steps, samples, values) of successive samples as one; None where there are none."""
    parts = [part for part in recorded if part is not None]
    return np.concatenate(parts, axis=1) if parts else None


def _words(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
