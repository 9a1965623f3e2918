"""value_reading: what an output that only integrates says in numbers: its potentials in the unit of a signal.

A network that gives values says in its provenance how they are read: value = offset + scale * potential, after every
`every` steps. The scale goes with the unit of the potentials; the offset is added by whoever reads, outside of the
network.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from snn_deploy.support.read_only import read_only
from snn_deploy.support.user_error import UserError

KEY = "values"  # in a network's provenance


class Readable(Protocol):
    """An IntegerNetwork or a FloatNetwork."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where it came from."""

    @property
    def output(self) -> "ReadOutput":
        """The last population."""


class ReadOutput(Protocol):
    """The last population of a network."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its neurons."""

    @property
    def fires(self) -> bool:
        """Whether it fires, or only integrates."""


@dataclass(frozen=True)
class ValueReading:
    """How potentials become values.

    offset, scale: (values,), in the signal's unit, and in that unit for each unit of a potential.
    every: steps from one value to the next; the potentials after the last of them are read.
    """

    offset: np.ndarray
    scale: np.ndarray
    every: int = 1

    def __post_init__(self) -> None:
        for name in ("offset", "scale"):
            object.__setattr__(self, name, read_only(np.atleast_1d(getattr(self, name)), np.float64))

    def values(self, potentials: np.ndarray) -> np.ndarray:
        """Return `potentials`, (..., values), in the unit of the signal, float64."""
        return np.asarray(self.offset + self.scale * potentials)

    def read_steps(self, of_steps: np.ndarray) -> np.ndarray:
        """Return those of `of_steps`, whose first axis is steps, in which a value is read."""
        return of_steps[self.every - 1 :: self.every]

    def in_steps_of(self, unit: np.ndarray) -> "ValueReading":
        """Return the reading of potentials that are counted in `unit`, (values,) or one for all, of these here."""
        return ValueReading(self.offset, self.scale * unit, self.every)

    def to_dict(self) -> dict[str, object]:
        """Return the reading as a provenance holds it."""
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist(), "every": self.every}


def reading_of(network: Readable) -> ValueReading | None:
    """Return how values are read from the output of `network`, None where it gives classes."""
    stated, output = network.provenance.get(KEY), network.output
    if stated is None:
        return None
    reading, count = ValueReading(stated["offset"], stated["scale"], stated["every"]), math.prod(output.shape)
    if output.fires or reading.offset.shape != (count,) or reading.scale.shape != (count,):
        raise UserError(
            f"provenance.{KEY}: {len(reading.offset)} offsets and {len(reading.scale)} scales for the population "
            f"{output.name!r} of {count} neurons; values are read from the potentials of one that never fires. "
            "Make the file again."
        )
    return reading


def read_values(network: Readable, outputs_by_step: np.ndarray) -> np.ndarray:
    """Return the values that `network` gave, float64 (samples, readings, values).

    outputs_by_step: its output's potentials after every step, (steps, samples, values).
    """
    reading = reading_of(network)
    assert reading is not None  # only such networks have potentials of every step
    return reading.values(np.swapaxes(reading.read_steps(outputs_by_step), 0, 1))


def gives_values(network: Readable) -> bool:
    """Return whether values are read from the output's potentials after every step."""
    return KEY in network.provenance and not network.output.fires


def require_classes(network: Readable, who: str) -> None:
    """Raise UserError where `network` gives values; `who` needs classes."""
    if gives_values(network):
        raise UserError(
            f"{who}: needs a network that gives classes, and this one gives values, which are read from its output's "
            "potentials in every step. For values there are run, verify, forecast, energy, map and report."
        )
