"""layer_functions: what weights, pooling, norms and dropout make of tensors that are followed."""

from typing import Any

import numpy as np
import torch

from snn_deploy.interchange.linear.operations import Convolution, Dense, NodeError, Pool, Scale
from snn_deploy.interchange.trace import torch_operations
from snn_deploy.interchange.trace.handler import Arguments, Handler, Keywords, Tracing, every_step, in_order, tracked_of
from snn_deploy.interchange.trace.torch_operations import array
from snn_deploy.interchange.trace.tracked import Tracked


def _one_lead(value: Tracked, axes: int, tensor: torch.Tensor) -> None:
    """Raise a NodeError unless the tensor is (batch, ...) with `axes` more: what torch's layers take."""
    given = tensor.ndim - len(value.lead)
    if given != axes:
        image = " An image of one channel is (1, height, width)." if axes == 3 else ""
        found = "1 axis" if given == 1 else f"{given} axes"
        raise NodeError(f"{found} of a sample and step; the layer takes {axes}.{image}")
    if len(value.lead) != 1:
        raise NodeError("batch and steps are two axes; the layer takes one. Join them before it: flatten(0, 1).")


def linear(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensor, weight, *_rest = in_order(("input", "weight", "bias"), arguments, keywords)
    value = tracked_of(tracing, tensor)
    operation = tracing.shared(torch_operations.linear(*arguments, **keywords))
    if tensor.ndim != len(value.lead) + 1:
        raise NodeError(f"a Linear layer along the last of the axes {tuple(tensor.shape)}. Flatten them before it.")
    return every_step(value, lambda step: step.apply(operation, tracing.label(weight)))


def convolution(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, weight, *_rest = in_order(("input", "weight"), arguments, keywords)
        value = tracked_of(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        operation = tracing.shared(torch_operations.convolution(*arguments, **keywords))
        return every_step(value, lambda step: step.apply(operation, tracing.label(weight)))

    return handle


def matrix_product(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    tensor, weight = in_order(("input", "other"), arguments, keywords)
    value = tracked_of(tracing, tensor)
    if tracing.of(weight) is not None or weight.ndim != 2 or tensor.ndim != len(value.lead) + 1:
        raise NodeError("a product of two tensors that both depend on the input, or of more than two axes.")
    operation = tracing.shared(Dense(array(weight).T, np.zeros(weight.shape[1])))
    return every_step(value, lambda step: step.apply(operation, tracing.label(weight)))


def average_pooling(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, *rest = in_order(("input",), arguments, keywords)
        value = tracked_of(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        others = {k: v for k, v in keywords.items() if k != "input"}
        operation = tracing.shared(torch_operations.average_pooling(value.steps[0].shape, axes, *rest, **others))
        return every_step(value, lambda step: step.apply(operation))

    return handle


def sum_pooling(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    """Handle lp_pool2d of norm 1, which torch computes as a sum: sinabs' SumPool2d."""
    names = ("input", "norm_type", "kernel_size", "stride", "ceil_mode")
    given = {"stride": None, "ceil_mode": False, **dict(zip(names, arguments, strict=False)), **keywords}
    value = tracked_of(tracing, given["input"])
    _one_lead(value, 3, given["input"])
    if given["norm_type"] != 1:
        raise NodeError(f"lp_pool2d with a norm of {given['norm_type']}; taken is 1, a sum.")
    shape = value.steps[0].shape
    window = torch_operations.any_in_window(
        shape, 2, given["kernel_size"], given["stride"], ceil_mode=given["ceil_mode"]
    )
    operation = Pool(window.stride, "sum") if window.weights.shape[2:] == window.stride else tracing.shared(window)
    return every_step(value, lambda step: step.apply(operation))


def adaptive_average(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, size = in_order(("input", "output_size"), arguments, keywords)
        value = tracked_of(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        window = torch_operations.adaptive_window(value.steps[0].shape, axes, size)
        return every_step(value, lambda step: step.apply(Pool(window, "average")))

    return handle


def largest(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, *rest = in_order(("input",), arguments, keywords)
        others = {k: v for k, v in keywords.items() if k not in ("input", "return_indices")}
        value = tracked_of(tracing, tensor)
        _one_lead(value, axes + 1, tensor)
        window = torch_operations.any_in_window(value.steps[0].shape, axes, *rest, **others)
        return _where_any(tracing, value, window)

    return handle


def adaptive_largest(axes: int) -> Handler:
    def handle(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
        tensor, size = in_order(("input", "output_size"), arguments, keywords)
        value = tracked_of(tracing, tensor)
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
    return every_step(value, lambda step: tracing.where_any(step.apply(operation)))


def batch_norm(tracing: Tracing, arguments: Arguments, keywords: Keywords, _: Any) -> Tracked:
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = {**dict(zip(names, arguments, strict=False)), **keywords}
    value = tracked_of(tracing, given["input"])
    _one_lead(value, given["input"].ndim - len(value.lead), given["input"])
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
    return every_step(value, lambda step: step.scale(scale).plus_constant(offset))


def dropout(tracing: Tracing, arguments: Arguments, keywords: Keywords, __: Any) -> Tracked:
    given = {"p": 0.5, "training": True, **dict(zip(("input", "p", "training"), arguments, strict=False)), **keywords}
    if given["p"] and given["training"]:
        raise NodeError("dropout that acts in evaluation too.")
    return tracked_of(tracing, given["input"])
