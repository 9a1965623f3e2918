"""tracked: what is known of a tensor while a module runs: where its batch and its steps are, and what it is made of."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch

from snn_deploy.interchange.linear.operations import NodeError, Shape
from snn_deploy.interchange.trace.linear_value import LinearValue

Lead = tuple[Literal["B", "T", "TB", "BT"], ...]
"""The leading axes: B samples, T steps, or both in one, the samples of a step (TB) or the steps of a sample (BT) in a
row."""


@dataclass(frozen=True)
class Tracked:
    """A tensor whose leading axes are `lead`, with the value of every step; one where it has no steps."""

    lead: Lead
    steps: tuple[LinearValue, ...]

    def sizes(self, batch: int) -> tuple[int, ...]:
        """Return how long the leading axes are."""
        return tuple(math.prod({"B": batch, "T": len(self.steps)}[axis] for axis in axes) for axes in self.lead)


@dataclass(frozen=True)
class Opaque:
    """A tensor that depends on the input in a way that no network here expresses; `reason` names what and where.

    ranked: a tensor in the same order by size, such as logits before a softmax: enough where a class is read from it.
    """

    reason: str
    ranked: torch.Tensor | None = None


class OpaqueError(NodeError):
    """A tensor is opaque; the message already says where."""


def logical_shape(sizes: tuple[int, ...]) -> Shape:
    """Return the axes of one sample and step as (features,) or (channels, height, width)."""
    if len(sizes) > 3:
        raise NodeError(f"a tensor with the axes {sizes} beside batch and steps; taken are up to three.")
    if len(sizes) == 2:
        return (sizes[0], 1, sizes[1])
    return sizes or (1,)


def reshaped(value: Tracked, sizes: tuple[int, ...], batch: int) -> Tracked:
    """Return the value of a tensor that is the same in the shape `sizes`, or raise a NodeError."""
    steps = len(value.steps)
    order = "".join(value.lead)  # of batch and steps
    forms: dict[str, list[Lead]] = {
        "B": [("T", "B"), ("B",)],
        "TB": [("T", "B"), ("TB",)],
        "BT": [("B", "T"), ("BT",)],
    }
    one_step: list[Lead] = [("B",)] if steps == 1 else []
    candidates = [*forms[order], *one_step]
    inner = math.prod(value.steps[0].shape)
    for lead in candidates:
        form = Tracked(lead, value.steps)
        axes = len(lead)
        if sizes[:axes] == form.sizes(batch) and math.prod(sizes[axes:]) == inner:
            shape = logical_shape(sizes[axes:])
            return Tracked(lead, tuple(step.reshape(shape) for step in value.steps))
    raise NodeError(f"the shape {sizes}, in which batch, steps and features are mixed.")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested tuples, lists and dictionaries, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
