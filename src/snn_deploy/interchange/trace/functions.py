"""functions: what each torch function makes of tracked tensors.

HANDLERS: name -> function(tracing, arguments, keywords, result) -> Tracked. What is not there, and what a handler
raises a NodeError for, gives a tensor that is opaque.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError, Operation, Pool, Scale
from snn_deploy.interchange.trace import torch_operations
from snn_deploy.interchange.trace.linear_value import LinearValue
from snn_deploy.interchange.trace.torch_operations import array
from snn_deploy.interchange.trace.tracked import Tracked, reshaped


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


def _every_step(value: Tracked, change: Callable[[LinearValue], LinearValue]) -> Tracked:
    return Tracked(value.lead, tuple(map(change, value.steps)))


def _one_lead(value: Tracked, axes: int, tensor: torch.Tensor) -> None:
    """Raise a NodeError unless the tensor is (batch, ...) with `axes` more: what torch's layers take."""
    if len(value.lead) != 1 or tensor.ndim != axes + 1:
        raise NodeError(f"a tensor of {tensor.ndim} axes, of which {len(value.lead)} are batch and steps.")


def _linear(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensor, weight, *_rest = _in_order(("input", "weight", "bias"), arguments, keywords)
    value = _tracked(tracing, tensor)
    operation = tracing.shared(torch_operations.linear(*arguments, **keywords))
    if tensor.ndim != len(value.lead) + 1:
        raise NodeError(f"a Linear layer along the last of the axes {tuple(tensor.shape)}. Flatten them before it.")
    return _every_step(value, lambda step: step.apply(operation, tracing.label(weight)))


def _convolution(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, weight, *_rest = _in_order(("input", "weight"), arguments, keywords)
        value = _tracked(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        operation = tracing.shared(torch_operations.convolution(*arguments, **keywords))
        return _every_step(value, lambda step: step.apply(operation, tracing.label(weight)))

    return handle


def _matrix_product(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensor, weight = _in_order(("input", "other"), arguments, keywords)
    value = _tracked(tracing, tensor)
    if tracing.of(weight) is not None or weight.ndim != 2 or tensor.ndim != len(value.lead) + 1:
        raise NodeError("a product of two tensors that both depend on the input, or of more than two axes.")
    operation = tracing.shared(Dense(array(weight).T, np.zeros(weight.shape[1])))
    return _every_step(value, lambda step: step.apply(operation, tracing.label(weight)))


def _average_pooling(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, *rest = _in_order(("input",), arguments, keywords)
        value = _tracked(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        others = {k: v for k, v in keywords.items() if k != "input"}
        operation = tracing.shared(torch_operations.average_pooling(value.steps[0].shape, axes, *rest, **others))
        return _every_step(value, lambda step: step.apply(operation))

    return handle


def _sum_pooling(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    """Handle lp_pool2d of norm 1, which torch computes as a sum: sinabs' SumPool2d."""
    names = ("input", "norm_type", "kernel_size", "stride", "ceil_mode")
    given = {"stride": None, "ceil_mode": False, **dict(zip(names, arguments, strict=False)), **keywords}
    value = _tracked(tracing, given["input"])
    _one_lead(value, 3, given["input"])
    if given["norm_type"] != 1:
        raise NodeError(f"lp_pool2d with a norm of {given['norm_type']}; taken is 1, a sum.")
    shape = value.steps[0].shape
    window = torch_operations.any_in_window(
        shape, 2, given["kernel_size"], given["stride"], ceil_mode=given["ceil_mode"]
    )
    operation = Pool(window.stride, "sum") if window.weights.shape[2:] == window.stride else tracing.shared(window)
    return _every_step(value, lambda step: step.apply(operation))


def _adaptive_average(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, size = _in_order(("input", "output_size"), arguments, keywords)
        value = _tracked(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        window = torch_operations.adaptive_window(value.steps[0].shape, axes, size)
        return _every_step(value, lambda step: step.apply(Pool(window, "average")))

    return handle


def _largest(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, *rest = _in_order(("input",), arguments, keywords)
        others = {k: v for k, v in keywords.items() if k not in ("input", "return_indices")}
        value = _tracked(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        window = torch_operations.any_in_window(value.steps[0].shape, axes, *rest, **others)
        return _where_any(tracing, value, window)

    return handle


def _adaptive_largest(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, size = _in_order(("input", "output_size"), arguments, keywords)
        value = _tracked(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        shape = value.steps[0].shape
        window = torch_operations.adaptive_window(shape, axes, size)
        kernel = np.ones((shape[0], 1, *window))
        return _where_any(tracing, value, Convolution(kernel, np.zeros(shape[0]), window, groups=shape[0]))

    return handle


def _where_any(tracing: Tracing, value: Tracked, window: Convolution) -> Tracked:
    """Return spikes where one in the window is: the largest of zeros and ones is their OR."""
    if not all(map(tracing.is_spike, value.steps)):
        raise NodeError(
            "max pooling of what is no spike; its result is no sum, so no chip with additive synapses computes it. "
            "Put it behind the neurons, where it is exact, or use average pooling."
        )
    operation = tracing.shared(window)
    return _every_step(value, lambda step: tracing.where_any(step.apply(operation)))


def _batch_norm(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = {**dict(zip(names, arguments, strict=False)), **keywords}
    value = _tracked(tracing, given["input"])
    _one_lead(value, given["input"].ndim - 1, given["input"])
    if given.get("training", False) or given["running_mean"] is None:
        raise NodeError("a norm with the statistics of the batch. Use track_running_stats=True.")
    channels = len(given["running_mean"])
    gain, shift = (given.get(n) for n in ("weight", "bias"))
    factor = (np.ones(channels) if gain is None else array(gain)) / np.sqrt(
        array(given["running_var"]) + given.get("eps", 1e-5)
    )
    offset = (np.zeros(channels) if shift is None else array(shift)) - array(given["running_mean"]) * factor
    return _affine(tracing, value, _over_channels(factor, value), _over_channels(offset, value))


def _over_channels(values: np.ndarray, value: Tracked) -> np.ndarray:
    shape = value.steps[0].shape
    return np.broadcast_to(values.reshape(-1, *[1] * (len(shape) - 1)), shape)


def _affine(tracing: Tracing, value: Tracked, factors: np.ndarray, offset: np.ndarray) -> Tracked:
    scale = tracing.shared(Scale(factors))
    assert isinstance(scale, Scale)
    return _every_step(value, lambda step: step.scale(scale).plus_constant(offset))


def _sum(sign: float) -> Handler:
    """Return the handler of a + b, or of a - b where `sign` is -1."""

    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
        first, second = _in_order(("input", "other"), arguments, keywords)
        if keywords.get("alpha", 1) != 1:
            raise NodeError("a sum with alpha.")
        a, b = tracing.of(first), tracing.of(second)
        if a is None:
            assert b is not None
            return _plus_constant(tracing, _times(tracing, b, sign), first, result)
        if b is None:
            return _plus_constant(tracing, a, second, result, sign)
        a, b = _aligned(a, b)
        b = _times(tracing, b, sign)
        if a.steps[0].shape != b.steps[0].shape:
            raise NodeError(f"a sum of {a.steps[0].shape} and {b.steps[0].shape}, which torch repeats to fit.")
        return Tracked(a.lead, tuple(x.plus(y) for x, y in zip(a.steps, b.steps, strict=True)))

    return handle


def _reversed_difference(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    return _sum(-1.0)(tracing, (arguments[1], arguments[0]), keywords, result)


def _aligned(a: Tracked, b: Tracked) -> tuple[Tracked, Tracked]:
    """Return both with the same leading axes; one without steps stands for every step."""
    if a.lead == b.lead and len(a.steps) == len(b.steps):
        return a, b
    for one, many, swapped in ((a, b, False), (b, a, True)):
        if len(one.steps) == 1 and many.lead == ("T", "B") and one.lead in (("B",), ("T", "B")):
            wide = Tracked(many.lead, one.steps * len(many.steps))
            return (many, wide) if swapped else (wide, many)
    raise NodeError("two tensors of different steps.")


def _times(tracing: Tracing, value: Tracked, factor: float) -> Tracked:
    scale = tracing.shared(Scale(np.array(factor)))
    assert isinstance(scale, Scale)
    return _every_step(value, lambda step: step.scale(scale))


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


def _product(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    first, second = _in_order(("input", "other"), arguments, keywords)
    a, b = tracing.of(first), tracing.of(second)
    if a is not None and b is not None:
        a, b = _aligned(a, b)
        return Tracked(a.lead, tuple(_both(tracing, x, y) for x, y in zip(a.steps, b.steps, strict=True)))
    value, constant = (a, second) if a is not None else (b, first)
    assert value is not None
    return _scaled(tracing, value, _constants(value, constant, result, tracing.batch))


def _quotient(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    first, second = _in_order(("input", "other"), arguments, keywords)
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


def _negative(tracing: Tracing, arguments: Arguments, _: Keywords, __: Any) -> Tracked:
    return _times(tracing, _tracked(tracing, arguments[0]), -1.0)


def _same(tracing: Tracing, arguments: Arguments, _: Keywords, __: Any) -> Tracked:
    return _tracked(tracing, arguments[0])


def _dropout(tracing: Tracing, arguments: Arguments, keywords: Keywords, __: Any) -> Tracked:
    given = {"p": 0.5, "training": True, **dict(zip(("input", "p", "training"), arguments, strict=False)), **keywords}
    if given["p"] and given["training"]:
        raise NodeError("dropout that acts in evaluation too.")
    return _tracked(tracing, given["input"])


def _reshape(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor = arguments[0] if arguments else keywords["input"]
    return reshaped(_tracked(tracing, tensor), tuple(result.shape), tracing.batch)


def _transpose(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor, first, second = _in_order(("input", "dim0", "dim1"), arguments, keywords)
    order = list(range(tensor.ndim))
    order[first], order[second] = order[second], order[first]
    return _permuted(_tracked(tracing, tensor), order, tensor, tracing.batch)


def _permute(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor, *order = arguments
    given = keywords["dims"] if "dims" in keywords else order[0] if isinstance(order[0], tuple | list) else order
    return _permuted(_tracked(tracing, tensor), [d % tensor.ndim for d in given], tensor, tracing.batch)


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


def _item(tracing: Tracing, arguments: Arguments, _: Keywords, result: Any) -> Tracked:
    tensor, index = arguments
    value = _tracked(tracing, tensor)
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


def _select(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensor, dim, index = _in_order(("input", "dim", "index"), arguments, keywords)
    at = (*[slice(None)] * (dim % tensor.ndim), index)
    return _item(tracing, (tensor, at), {}, result)


def _selected(tracing: Tracing, value: Tracked, indices: list[Any], sizes: tuple[int, ...]) -> Tracked:
    """Return the channels or features that a slice of the first axis picks."""
    first, *others = indices
    if not isinstance(first, slice) or any(part != slice(None) for part in others):
        raise NodeError("an index into channels, height or width that is no slice of channels.")
    chosen = range(sizes[0])[first]
    return _every_step(value, lambda step: step.apply(tracing.shared(_selection(step.shape, chosen, len(chosen), 0))))


def _selection(shape: tuple[int, ...], channels: Sequence[int], outputs: int, start: int) -> Operation:
    """Return the operation that puts `channels` of what arrives at `start` of as many as `outputs`, beside zeros."""
    matrix = np.zeros((outputs, shape[0]))
    matrix[start + np.arange(len(channels)), list(channels)] = 1
    if len(shape) == 1:
        return Dense(matrix, np.zeros(outputs))
    return Convolution(matrix[:, :, None, None], np.zeros(outputs))


def _unbind(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> list[Tracked]:
    tensor, dim = _in_order(("input", "dim"), arguments, {"dim": 0, **keywords})
    value = _tracked(tracing, tensor)
    if value.lead[dim % tensor.ndim : dim % tensor.ndim + 1] != ("T",):
        raise NodeError("a tensor taken apart along another axis than its steps.")
    lead = tuple(axis for axis in value.lead if axis != "T")
    return [Tracked(lead, (step,)) for step in value.steps]


def _stack(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensors, dim = _in_order(("tensors", "dim"), arguments, {"dim": 0, **keywords})
    values = [_tracked(tracing, t) for t in tensors]
    if any(v.lead != ("B",) for v in values) or dim not in (0, 1):
        raise NodeError("tensors stacked along another axis than steps.")
    return Tracked(("T", "B") if dim == 0 else ("B", "T"), tuple(v.steps[0] for v in values))


def _concatenate(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    tensors, dim = _in_order(("tensors", "dim"), arguments, {"dim": 0, **keywords})
    values = [_tracked(tracing, t) for t in tensors]
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
        placed.append(_every_step(value, lambda step, operation=operation: step.apply(operation)))  # type: ignore[misc]
        start += count
    total = placed[0]
    for value in placed[1:]:
        total = Tracked(lead, tuple(x.plus(y) for x, y in zip(total.steps, value.steps, strict=True)))
    return total


def _repeat(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
    """Handle repeat and expand: one step becomes many."""
    value = _tracked(tracing, arguments[0])
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


def _reduced(average: bool) -> Handler:
    """Return the handler of a mean or sum over axes: steps, or height and width."""

    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, result: Any) -> Tracked:
        tensor, dims = _in_order(("input", "dim"), arguments, {"dim": None, **keywords})
        value = _tracked(tracing, tensor)
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
        return _times(tracing, summed, 1 / len(value.steps)) if average else summed
    inner = tensor.ndim - len(lead)
    shape = value.steps[0].shape
    place = axis - len(lead) + (1 if inner == 2 and axis > len(lead) else 0)  # (channels, 1, length)
    if place == 0:
        operation: Operation = _sum_of_channels(shape, average)
        return _every_step(value, lambda step: step.apply(tracing.shared(operation)))
    window = (shape[1], 1) if place == 1 else (1, shape[2])
    return _every_step(value, lambda step: step.apply(Pool(window, "average" if average else "sum")))


def _sum_of_channels(shape: tuple[int, ...], average: bool) -> Operation:
    share = 1 / shape[0] if average else 1.0
    if len(shape) == 1:
        return Dense(np.full((1, shape[0]), share), np.zeros(1))
    return Convolution(np.full((1, shape[0], 1, 1), share), np.zeros(1))


def _pad(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensor, amounts = _in_order(("input", "pad"), arguments, keywords)
    value = _tracked(tracing, tensor)
    if keywords.get("mode", "constant") != "constant" or keywords.get("value"):
        raise NodeError("padding with something else than zeros.")
    sides = [*amounts, 0, 0, 0, 0][:4]
    if sides[0] != sides[1] or sides[2] != sides[3] or any(amounts[4:]) or len(value.steps[0].shape) != 3:
        raise NodeError(f"padding {tuple(amounts)}; taken is as much on both sides of height and width.")
    shape = value.steps[0].shape
    ones = np.ones((shape[0], 1, 1, 1))
    operation = Convolution(ones, np.zeros(shape[0]), padding=(sides[2], sides[0]), groups=shape[0])
    return _every_step(value, lambda step: step.apply(tracing.shared(operation)))


def _in_order(names: Sequence[str], arguments: Arguments, keywords: Keywords) -> list[Any]:
    """Return the arguments in the order of `names`, and then those that have no name here."""
    left = list(arguments)
    found = [left.pop(0) if left else keywords[name] for name in names if left or name in keywords]
    return [*found, *left]


def _tracked(tracing: Tracing, tensor: object) -> Tracked:
    value = tracing.of(tensor)
    if value is None:
        raise NodeError("a tensor that does not depend on the input, where one that does is expected.")
    return value


HANDLERS: dict[str, Handler] = {
    "linear": _linear,
    "conv1d": _convolution(1),
    "conv2d": _convolution(2),
    **dict.fromkeys(("matmul", "__matmul__", "mm"), _matrix_product),
    "avg_pool1d": _average_pooling(1),
    "avg_pool2d": _average_pooling(2),
    "lp_pool2d": _sum_pooling,
    "adaptive_avg_pool1d": _adaptive_average(1),
    "adaptive_avg_pool2d": _adaptive_average(2),
    "max_pool1d": _largest(1),
    "max_pool2d": _largest(2),
    "adaptive_max_pool1d": _adaptive_largest(1),
    "adaptive_max_pool2d": _adaptive_largest(2),
    "batch_norm": _batch_norm,
    **dict.fromkeys(("add", "__add__", "__radd__", "add_", "__iadd__"), _sum(1.0)),
    **dict.fromkeys(("sub", "__sub__", "sub_", "__isub__", "subtract"), _sum(-1.0)),
    **dict.fromkeys(("rsub", "__rsub__"), _reversed_difference),
    **dict.fromkeys(("mul", "__mul__", "__rmul__", "mul_", "__imul__", "multiply"), _product),
    **dict.fromkeys(("div", "__truediv__", "div_", "__itruediv__", "true_divide", "divide"), _quotient),
    **dict.fromkeys(("neg", "__neg__", "negative"), _negative),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout"), _dropout),
    **dict.fromkeys(("clone", "detach", "contiguous", "to", "float", "double", "type_as", "type", "cpu"), _same),
    **dict.fromkeys(("requires_grad_", "alias", "detach_"), _same),
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "ravel"), _reshape),
    **dict.fromkeys(("reshape_as", "squeeze_", "unsqueeze_"), _reshape),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "transpose_"), _transpose),
    "permute": _permute,
    "__getitem__": _item,
    "select": _select,
    "unbind": _unbind,
    "stack": _stack,
    **dict.fromkeys(("cat", "concat", "concatenate"), _concatenate),
    **dict.fromkeys(("repeat", "expand", "expand_as", "tile"), _repeat),
    "mean": _reduced(True),
    "sum": _reduced(False),
    "pad": _pad,
}

NEW_TENSORS = frozenset(
    f"{name}{suffix}"
    for name in ("zeros", "ones", "empty", "full", "rand", "randn", "randint")
    for suffix in ("", "_like")
) | frozenset({"new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"})
"""Functions whose result does not depend on the values that they get."""
