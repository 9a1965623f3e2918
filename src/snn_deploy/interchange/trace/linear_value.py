"""linear_value: what a tensor of a running network is, as a sum over the spikes that it was computed from."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from snn_deploy.interchange.linear.operations import Convolution, Dense, Operation, Reshape, Scale, Shape


def key_of(operation: Operation) -> tuple[Any, ...]:
    """Return what is equal for equal operations, and can be looked up."""
    known: tuple[Any, ...] | None = operation.__dict__.get("_key")
    if known is None:
        values = (getattr(operation, f.name) for f in fields(operation))
        known = (type(operation), *((v.shape, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values))
        object.__setattr__(operation, "_key", known)
    return known


@dataclass(frozen=True)
class Term:
    """What `operations` make of the values of `source`, a population or the input, at a step.

    step: None where the source shows the same in every step. label: the module whose weights came last.
    """

    source: str
    step: int | None
    operations: tuple[Operation, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class LinearValue:
    """A sum of terms and a constant, (*shape) or None, of the shape (features,) or (channels, height, width)."""

    shape: Shape
    terms: tuple[Term, ...]
    constant: np.ndarray | None = None

    def apply(self, operation: Operation, label: str = "") -> "LinearValue":
        """Return what `operation` makes of it, with its bias; NodeError where it does not fit."""
        shape = operation.output_shape(self.shape)
        constant = None if self.constant is None else operation.apply(self.constant[None])[0]
        if isinstance(operation, Convolution | Dense) and operation.bias.any():
            bias = np.broadcast_to(operation.bias.reshape(-1, *[1] * (len(shape) - 1)), shape)
            constant = bias if constant is None else constant + bias
        terms = tuple(replace(t, operations=(*t.operations, operation), label=label or t.label) for t in self.terms)
        return LinearValue(shape, terms, constant)

    def reshape(self, shape: Shape) -> "LinearValue":
        """Return the same values in another shape."""
        return self if shape == self.shape else self.apply(Reshape(shape))

    def plus(self, other: "LinearValue") -> "LinearValue":
        """Return the sum of two values of one shape."""
        first, second = self.constant, other.constant
        constant = first + second if first is not None and second is not None else second if first is None else first
        return LinearValue(self.shape, self.terms + other.terms, constant)

    def plus_constant(self, constant: np.ndarray) -> "LinearValue":
        """Return it with `constant`, of its shape, added."""
        return self.plus(LinearValue(self.shape, (), constant)) if constant.any() else self

    def scale(self, factors: Scale) -> "LinearValue":
        """Return it times `factors`."""
        return self if (factors.factors == 1).all() else self.apply(factors)

    @property
    def is_plain(self) -> bool:
        """Whether it is one population's values or the input's, as they are."""
        return (
            len(self.terms) == 1
            and self.constant is None
            and all(isinstance(o, Reshape) for o in self.terms[0].operations)
        )
