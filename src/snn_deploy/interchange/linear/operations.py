"""operations: the linear things between two neurons. Each knows its output's shape and what it does to values.

Shapes are (features,) or (channels, height, width), as everywhere; a NIR signal of shape (channels, length) is
(channels, 1, length).
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from snn_deploy.network.connection_arithmetic import Pair, pooled_shape, sum_pool, target_shape, transmit

Shape = tuple[int, ...]


class NodeError(Exception):
    """One thing in a graph cannot be taken; the message says why, and where it can be said, what to do."""


@dataclass(frozen=True)
class Convolution:
    """A cross-correlation; weights (out, in / groups, height, width), bias (out,)."""

    weights: np.ndarray
    bias: np.ndarray
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`, or raise a NodeError."""
        inputs = self.weights.shape[1] * self.groups
        if len(shape) != 3 or shape[0] != inputs or len(self.weights) % self.groups:
            raise NodeError(
                f"weights {self.weights.shape} in {self.groups} groups for {inputs} channels; what arrives is {shape}."
            )
        result = target_shape(shape, self.weights.shape, self.stride, self.padding, self.dilation, (1, 1))
        if min(result) < 1:
            raise NodeError(f"nothing is left of {shape} after a kernel of {self.weights.shape[2:]}.")
        return result

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the output for values (batch, *shape), without the bias."""
        how = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return transmit(values, self.weights, groups=self.groups, **how)


@dataclass(frozen=True)
class Dense:
    """A matrix (out, in) with bias (out,)."""

    weights: np.ndarray
    bias: np.ndarray

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`, or raise a NodeError."""
        if shape != (self.weights.shape[1],):
            raise NodeError(
                f"it takes ({self.weights.shape[1]},) and gets {shape}. Put a Flatten before it, and export without "
                "the axis of the batch."
            )
        return (len(self.weights),)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the output for values (batch, features), without the bias."""
        return values @ self.weights.T


@dataclass(frozen=True)
class Pool:
    """Sums or averages over windows that do not overlap; a remainder is left out."""

    window: Pair
    mode: Literal["sum", "average"]
    bias = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`, or raise a NodeError."""
        if len(shape) != 3 or min(pooled_shape(shape, self.window)) < 1:
            raise NodeError(f"windows of {self.window}; what arrives is {shape}.")
        return pooled_shape(shape, self.window)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the output for values (batch, *shape)."""
        return sum_pool(values, self.window) / (math.prod(self.window) if self.mode == "average" else 1)


@dataclass(frozen=True)
class Flatten:
    """All axes in one, in the order channels, height, width; where `is_identity` says so, nothing happens."""

    start: int
    end: int
    axes: int | None  # of the signal as NIR counts them: 2 where it is (channels, length)
    bias = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`, or raise a NodeError."""
        axes = self.axes or len(shape)
        start, end = (dim + axes if dim < 0 else dim for dim in (self.start, self.end))
        if start >= end:
            return shape
        if start > 0 or end < axes - 1:
            raise NodeError(
                f"it flattens axes {self.start} to {self.end} of {axes}; only all of them can be flattened."
            )
        return (math.prod(shape),)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the output for values (batch, *shape)."""
        return values.reshape(len(values), *self.output_shape(values.shape[1:]))


@dataclass(frozen=True)
class Reshape:
    """The same values in the same order, in another shape."""

    shape: Shape
    bias = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`, or raise a NodeError."""
        if math.prod(shape) != math.prod(self.shape):
            raise NodeError(f"{shape} reshaped to {self.shape}.")
        return self.shape

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the output for values (batch, *shape)."""
        return values.reshape(len(values), *self.shape)


@dataclass(frozen=True)
class Scale:
    """An elementwise product."""

    factors: np.ndarray
    bias = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`, or raise a NodeError."""
        self.over(shape)
        return shape

    def over(self, shape: Shape) -> np.ndarray:
        """Return the factors, one for each element of `shape`."""
        return spread(self.factors, shape, "scale")

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the output for values (batch, *shape)."""
        return values * self.over(values.shape[1:])


@dataclass(frozen=True)
class Wait:
    """A delay of whole steps."""

    steps: int
    bias = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return `shape`."""
        return shape

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return `values`: what never changes does not change later either."""
        return values


Operation = Convolution | Dense | Pool | Flatten | Reshape | Scale | Wait


def spread(values: np.ndarray, shape: Shape, what: str) -> np.ndarray:
    """Return a parameter as one number for each element of `shape`; a single number stands for all."""
    if values.size == 1:
        return np.full(shape, values.reshape(()))
    if values.size == math.prod(shape) and [s for s in values.shape if s > 1] == [s for s in shape if s > 1]:
        return values.reshape(shape)
    if values.ndim == len(shape) and all(v in (1, s) for v, s in zip(values.shape, shape, strict=True)):
        return np.broadcast_to(values, shape)
    raise NodeError(f"{what} of shape {values.shape}, which does not fit what arrives, {shape}.")


def per_channel(values: np.ndarray, shape: Shape, what: str) -> np.ndarray:
    """Return a parameter as one number for each channel; one that differs within a channel is refused."""
    rows = spread(values, shape, what).reshape(shape[0], -1)
    uneven = np.flatnonzero((rows != rows[:, :1]).any(axis=1))
    if len(uneven):
        row = rows[uneven[0]]
        raise NodeError(
            f"{what} differs within channel {uneven[0]} ({row.min()}..{row.max()}); one per channel is allowed."
        )
    return rows[:, 0]
