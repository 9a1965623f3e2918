"""arithmetic_functions: what sums, products and constants make of tensors that are followed."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import NodeError, Scale
from snn_deploy.interchange.trace.handler import Arguments, Handler, Keywords, Tracing, every_step, in_order, tracked_of
from snn_deploy.interchange.trace.linear_value import LinearValue
from snn_deploy.interchange.trace.torch_operations import array
from snn_deploy.interchange.trace.tracked import Tracked


def sum(sign: float) -> Handler:
    """Return the handler of a + b, or of a - b where `sign` is -1."""

    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
        first, second = in_order(("input", "other"), arguments, keywords)
        if keywords.get("alpha", 1) != 1:
            raise NodeError("a sum with alpha.")
        a, b = tracing.of(first), tracing.of(second)
        if a is None:
            assert b is not None
            return _plus_constant(tracing, times(tracing, b, sign), first, result)
        if b is None:
            return _plus_constant(tracing, a, second, result, sign)
        a, b = _aligned(a, b)
        b = times(tracing, b, sign)
        if a.steps[0].shape != b.steps[0].shape:
            raise NodeError(f"a sum of {a.steps[0].shape} and {b.steps[0].shape}, which torch repeats to fit.")
        return Tracked(a.lead, tuple(x.plus(y) for x, y in zip(a.steps, b.steps, strict=True)))

    return handle


def reversed_difference(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    return sum(-1.0)(tracing, (arguments[1], arguments[0]), keywords, result)


def _aligned(a: Tracked, b: Tracked) -> tuple[Tracked, Tracked]:
    """Return both with the same leading axes; one without steps stands for every step."""
    if a.lead == b.lead and len(a.steps) == len(b.steps):
        return a, b
    for one, many, swapped in ((a, b, False), (b, a, True)):
        if len(one.steps) == 1 and many.lead == ("T", "B") and one.lead in (("B",), ("T", "B")):
            wide = Tracked(many.lead, one.steps * len(many.steps))
            return (many, wide) if swapped else (wide, many)
    raise NodeError("two tensors of different steps.")


def times(tracing: Tracing, value: Tracked, factor: float) -> Tracked:
    scale = tracing.shared(Scale(np.array(factor)))
    assert isinstance(scale, Scale)
    return every_step(value, lambda step: step.scale(scale))


def _plus_constant(tracing: Tracing, value: Tracked, constant: Any, result: Any, sign: float = 1.0) -> Tracked:
    parts = _constants(value, constant, result, tracing.batch)
    return Tracked(value.lead, tuple(s.plus_constant(sign * c) for s, c in zip(value.steps, parts, strict=True)))


def _constants(value: Tracked, constant: Any, result: torch.Tensor, batch: int) -> list[np.ndarray]:
    """Return a constant, a number or a tensor, as one array for each step, of the shape of what it is added to."""
    shape, sizes = value.steps[0].shape, value.sizes(batch)
    if math.prod(result.shape) != math.prod(sizes) * math.prod(shape):
        raise NodeError("a constant that is larger than what it meets.")
    given = constant if isinstance(constant, torch.Tensor) else torch.as_tensor(constant)
    whole = array(torch.broadcast_to(given, result.shape)).reshape(*sizes, *shape)
    order = "".join(value.lead)
    steps = len(value.steps)
    if order == "B":
        whole = whole[None]
    elif order == "TB":
        whole = whole.reshape(steps, batch, *shape)
    else:
        whole = whole.reshape(batch, steps, *shape).swapaxes(0, 1)
    if (whole != whole[:, :1]).any():
        raise NodeError("a tensor that differs between samples and does not depend on the input, such as noise.")
    return [part[0] for part in whole]


def product(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    first, second = in_order(("input", "other"), arguments, keywords)
    a, b = tracing.of(first), tracing.of(second)
    if a is not None and b is not None:
        a, b = _aligned(a, b)
        return Tracked(a.lead, tuple(_both(tracing, x, y) for x, y in zip(a.steps, b.steps, strict=True)))
    value, constant = (a, second) if a is not None else (b, first)
    assert value is not None
    return _scaled(tracing, value, _constants(value, constant, result, tracing.batch))


def quotient(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    first, second = in_order(("input", "other"), arguments, keywords)
    value = tracing.of(first)
    if value is None or tracing.of(second) is not None or keywords.get("rounding_mode"):
        raise NodeError("a division by what depends on the input.")
    return _scaled(tracing, value, [1 / c for c in _constants(value, second, result, tracing.batch)])


def _scaled(tracing: Tracing, value: Tracked, factors: Sequence[np.ndarray]) -> Tracked:
    def scale(step: LinearValue, of_step: np.ndarray) -> LinearValue:
        even = np.unique(of_step)
        operation = tracing.shared(Scale(even.reshape(()) if len(even) == 1 else of_step))
        assert isinstance(operation, Scale)
        return step.scale(operation)

    return Tracked(value.lead, tuple(scale(s, f) for s, f in zip(value.steps, factors, strict=True)))


def _both(tracing: Tracing, a: LinearValue, b: LinearValue) -> LinearValue:
    """Return the product of two spikes, or of one and what is no spike: a neuron that fires for both."""
    if not (tracing.is_spike(a) and tracing.is_spike(b) and a.shape == b.shape):
        raise NodeError("a product of two tensors that both depend on the input and are not both spikes.")
    return tracing.where_both(a.plus(b))


def negative(tracing: Tracing, arguments: Arguments, _: Keywords, __: Any) -> Tracked:
    return times(tracing, tracked_of(tracing, arguments[0]), -1.0)
