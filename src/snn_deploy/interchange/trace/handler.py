"""handler: what the functions that follow tensors are given, and what they share.

A handler takes the arguments and the result of a function of torch, and returns what is known of the result; what it
raises a NodeError for is opaque.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch

from snn_deploy.interchange.linear.operations import NodeError, Operation
from snn_deploy.interchange.trace.linear_value import LinearValue
from snn_deploy.interchange.trace.tracked import Tracked


class Tracing(Protocol):
    """What handlers need of the recorder."""

    batch: int

    def of(self, tensor: object) -> Tracked | None:
        """Return what is known of a tensor, None of a constant; a NodeError where it is opaque."""

    def shared(self, operation: Operation) -> Operation:
        """Return the one object for all equal operations."""

    def label(self, weight: torch.Tensor) -> str:
        """Return the name of the module whose weights these are, or ""."""

    def where_any(self, value: LinearValue) -> LinearValue:
        """Return the spikes of neurons that fire where `value`, a sum of spikes, is not 0."""

    def where_both(self, value: LinearValue) -> LinearValue:
        """Return the spikes of neurons that fire where `value`, the sum of two spikes, is 2."""

    def is_spike(self, value: LinearValue) -> bool:
        """Whether all of `value` is 0 or 1."""


Arguments = Sequence[Any]
Keywords = Mapping[str, Any]
Handler = Callable[[Tracing, Arguments, Keywords, Any], Any]


def every_step(value: Tracked, change: Callable[[LinearValue], LinearValue]) -> Tracked:
    return Tracked(value.lead, tuple(map(change, value.steps)))


def in_order(names: Sequence[str], arguments: Arguments, keywords: Keywords) -> list[Any]:
    """Return the arguments in the order of `names`, and then those that have no name here."""
    left = list(arguments)
    found = [left.pop(0) if left else keywords[name] for name in names if left or name in keywords]
    return [*found, *left]


def tracked_of(tracing: Tracing, tensor: object) -> Tracked:
    value = tracing.of(tensor)
    if value is None:
        raise NodeError("a tensor that does not depend on the input, where one that does is expected.")
    return value
