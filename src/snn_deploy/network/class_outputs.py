"""class_outputs: what the class of a sample is read from, and which class that is; for integers and for floats.

An output that fires says it by its spike counts, one that only integrates by its potentials after the last step.
"""

from typing import Protocol

import numpy as np


class Output(Protocol):
    """The last population of an IntegerNetwork or a FloatNetwork."""

    @property
    def fires(self) -> bool:
        """Whether it fires, or only integrates."""


def class_outputs(output: Output, spikes: np.ndarray, last_potentials: np.ndarray | None) -> np.ndarray:
    """Return the values that the classes are read from, (samples, classes): one for each neuron of `output`.

    spikes: of the output, (steps, samples, *shape). last_potentials: its potentials after the last step, (samples,
    *shape); None is allowed where it fires, because only its spikes are counted then.
    """
    if output.fires:
        values = np.count_nonzero(spikes, axis=0)
    else:
        assert last_potentials is not None
        values = last_potentials
    return values.reshape(len(values), -1)


def predicted_classes(outputs: np.ndarray) -> np.ndarray:
    """Return the class of each sample, (samples,): the first of the largest of its `outputs`, (samples, classes)."""
    classes: np.ndarray = outputs.argmax(axis=1)
    return classes
