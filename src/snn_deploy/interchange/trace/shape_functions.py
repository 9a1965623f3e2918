"""shape_functions: what other shapes, parts, rows of tensors and sums over axes are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError, Operation, Pool
from snn_deploy.interchange.trace.arithmetic_functions import times
from snn_deploy.interchange.trace.handler import Arguments, Handler, Keywords, Tracing, every_step, in_order, tracked_of
from snn_deploy.interchange.trace.tracked import Tracked, reshaped


def same(tracing: Tracing, arguments: Arguments, _: Keywords, __: Any) -> Tracked:
    return tracked_of(tracing, arguments[0])


def reshape(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor = arguments[0] if arguments else keywords["input"]
    return reshaped(tracked_of(tracing, tensor), tuple(result.shape), tracing.batch)


def transpose(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor, first, second = in_order(("input", "dim0", "dim1"), arguments, keywords)
    order = list(range(tensor.ndim))
    order[first], order[second] = order[second], order[first]
    return _permuted(tracked_of(tracing, tensor), order, tensor, tracing.batch)


def permute(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor, *order = arguments
    given = keywords["dims"] if "dims" in keywords else order[0] if isinstance(order[0], tuple | list) else order
    return _permuted(tracked_of(tracing, tensor), [d % tensor.ndim for d in given], tensor, tracing.batch)


def _permuted(value: Tracked, order: list[int], tensor: torch.Tensor, batch: int) -> Tracked:
    """Return the value with its axes in another order: batch and steps swapped, or axes of length 1 moved."""
    axes = len(value.lead)
    lead = order[:axes]
    if sorted(lead) != list(range(axes)):
        raise NodeError("batch and steps that do not stay in front.")
    moved = Tracked(tuple(value.lead[d] for d in lead), value.steps)
    inner = [d for d in order[axes:] if tensor.shape[d] > 1]
    if inner != sorted(inner):
        raise NodeError("channels, height and width in another order. Permute the data before the module.")
    return reshaped(moved, tuple(tensor.shape[d] for d in order), batch)


def item(tracing: Tracing, arguments: Arguments, _: Keywords, result: Any) -> Tracked:
    tensor, index = arguments
    value = tracked_of(tracing, tensor)
    indices = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in indices:
        at = indices.index(Ellipsis)
        indices[at : at + 1] = [slice(None)] * (tensor.ndim - len(indices) + 1 + indices.count(None))
    added = [i for i, part in enumerate(indices) if part is None]
    indices = [part for part in indices if part is not None] + [slice(None)] * tensor.ndim
    lead: list[Any] = []
    for axis, part in zip(value.lead, indices, strict=False):
        if axis == "T" and isinstance(part, int):
            value = Tracked(value.lead, (value.steps[part],))
        elif axis == "T" and isinstance(part, slice):
            value = Tracked(value.lead, value.steps[part])
            lead.append(axis)
        elif part == slice(None):
            lead.append(axis)
        else:
            raise NodeError("an index that picks samples, or one that is no number or slice.")
    inner = indices[len(value.lead) : tensor.ndim]
    value = Tracked(tuple(lead), value.steps)
    if any(part != slice(None) for part in inner):
        value = _selected(tracing, value, inner, tuple(tensor.shape[-len(inner) :]))
    return reshaped(value, tuple(result.shape), tracing.batch) if added else value


def select(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor, dim, index = in_order(("input", "dim", "index"), arguments, keywords)
    at = (*[slice(None)] * (dim % tensor.ndim), index)
    return item(tracing, (tensor, at), {}, result)


def _selected(tracing: Tracing, value: Tracked, indices: list[Any], sizes: tuple[int, ...]) -> Tracked:
    """Return the channels or features that a slice of the first axis picks."""
    first, *others = indices
    if not isinstance(first, slice) or any(part != slice(None) for part in others):
        raise NodeError("an index into channels, height or width that is no slice of channels.")
    chosen = range(sizes[0])[first]
    return every_step(value, lambda step: step.apply(tracing.shared(_selection(step.shape, chosen, len(chosen), 0))))


def _selection(shape: tuple[int, ...], channels: Sequence[int], outputs: int, start: int) -> Operation:
    """Return the operation that puts `channels` of what arrives at `start` of as many as `outputs`, beside zeros."""
    matrix = np.zeros((outputs, shape[0]))
    matrix[start + np.arange(len(channels)), list(channels)] = 1
    if len(shape) == 1:
        return Dense(matrix, np.zeros(outputs))
    return Convolution(matrix[:, :, None, None], np.zeros(outputs))


def unbind(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> list[Tracked]:
    tensor, dim = in_order(("input", "dim"), arguments, {"dim": 0, **keywords})
    value = tracked_of(tracing, tensor)
    if value.lead[dim % tensor.ndim : dim % tensor.ndim + 1] != ("T",):
        raise NodeError("a tensor taken apart along another axis than its steps.")
    lead = tuple(axis for axis in value.lead if axis != "T")
    return [Tracked(lead, (step,)) for step in value.steps]


def stack(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensors, dim = in_order(("tensors", "dim"), arguments, {"dim": 0, **keywords})
    values = [tracked_of(tracing, t) for t in tensors]
    if any(v.lead != ("B",) for v in values) or dim not in (0, 1):
        raise NodeError("tensors stacked along another axis than steps.")
    return Tracked(("T", "B") if dim == 0 else ("B", "T"), tuple(v.steps[0] for v in values))


def concatenate(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensors, dim = in_order(("tensors", "dim"), arguments, {"dim": 0, **keywords})
    values = [tracked_of(tracing, t) for t in tensors]
    axis, lead = dim % result.ndim, values[0].lead
    if any(v.lead != lead for v in values):
        raise NodeError("tensors with different batches or steps in one.")
    if axis < len(lead):
        if lead[axis] != "T":
            raise NodeError("tensors one after another along the batch.")
        return Tracked(lead, tuple(step for v in values for step in v.steps))
    if axis > len(lead):
        raise NodeError("tensors one after another along height or width.")
    channels = [t.shape[axis] for t in tensors]
    placed, start = [], 0
    for value, count in zip(values, channels, strict=True):
        if value.steps[0].shape[0] != count:
            raise NodeError("tensors of one number for each sample in a row.")
        operation = tracing.shared(_selection(value.steps[0].shape, range(count), sum(channels), start))
        placed.append(every_step(value, lambda step, operation=operation: step.apply(operation)))  # type: ignore[misc]
        start += count
    total = placed[0]
    for value in placed[1:]:
        total = Tracked(lead, tuple(x.plus(y) for x, y in zip(total.steps, value.steps, strict=True)))
    return total


def repeat(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    """Handle repeat and expand: one step becomes many."""
    value = tracked_of(tracing, arguments[0])
    if len(value.steps) != 1:
        raise NodeError("steps that are repeated.")
    inner = tuple(arguments[0].shape[len(value.lead) :])
    lead_sizes = tuple(result.shape[: result.ndim - len(inner)])
    if tuple(result.shape[len(lead_sizes) :]) != inner:
        raise NodeError("channels, height or width that are repeated.")
    batch = tracing.batch
    if len(lead_sizes) == 2 and lead_sizes[1] == batch:
        return Tracked(("T", "B"), value.steps * lead_sizes[0])
    if lead_sizes == (batch,):
        return Tracked(("B",), value.steps)
    if value.lead == ("B", "T") and lead_sizes[0] == batch:
        return Tracked(("B", "T"), value.steps * lead_sizes[1])
    raise NodeError("a repetition that mixes samples and steps.")


def reduced(average: bool) -> Handler:
    """Return the handler of a mean or sum over axes: steps, or height and width."""

    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
        tensor, dims = in_order(("input", "dim"), arguments, {"dim": None, **keywords})
        value = tracked_of(tracing, tensor)
        if dims is None:
            raise NodeError("a mean or sum over everything.")
        axes = sorted(d % tensor.ndim for d in ([dims] if isinstance(dims, int) else dims))
        for axis in reversed(axes):
            value = _without(tracing, value, axis, tensor, average)
        return reshaped(value, tuple(result.shape), tracing.batch)

    return handle


def _without(tracing: Tracing, value: Tracked, axis: int, tensor: torch.Tensor, average: bool) -> Tracked:
    lead = value.lead
    if axis < len(lead):
        if lead[axis] != "T":
            raise NodeError("a mean or sum over samples.")
        total = value.steps[0]
        for step in value.steps[1:]:
            total = total.plus(step)
        summed = Tracked(("B",), (total,))
        return times(tracing, summed, 1 / len(value.steps)) if average else summed
    inner = tensor.ndim - len(lead)
    shape = value.steps[0].shape
    place = axis - len(lead) + (1 if inner == 2 and axis > len(lead) else 0)  # (channels, 1, length)
    if place == 0:
        operation: Operation = _sum_of_channels(shape, average)
        return every_step(value, lambda step: step.apply(tracing.shared(operation)))
    window = (shape[1], 1) if place == 1 else (1, shape[2])
    return every_step(value, lambda step: step.apply(Pool(window, "average" if average else "sum")))


def _sum_of_channels(shape: tuple[int, ...], average: bool) -> Operation:
    share = 1 / shape[0] if average else 1.0
    if len(shape) == 1:
        return Dense(np.full((1, shape[0]), share), np.zeros(1))
    return Convolution(np.full((1, shape[0], 1, 1), share), np.zeros(1))


def pad(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensor, amounts = in_order(("input", "pad"), arguments, keywords)
    value = tracked_of(tracing, tensor)
    if keywords.get("mode", "constant") != "constant" or keywords.get("value"):
        raise NodeError("padding with something else than zeros.")
    sides = [*amounts, 0, 0, 0, 0][:4]
    if sides[0] != sides[1] or sides[2] != sides[3] or any(amounts[4:]) or len(value.steps[0].shape) != 3:
        raise NodeError(f"padding {tuple(amounts)}; taken is as much on both sides of height and width.")
    shape = value.steps[0].shape
    ones = np.ones((shape[0], 1, 1, 1))
    operation = Convolution(ones, np.zeros(shape[0]), padding=(sides[2], sides[0]), groups=shape[0])
    return every_step(value, lambda step: step.apply(tracing.shared(operation)))
